// SPDX-License-Identifier: Apache-2.0
#include "schema.hpp"

#include <tenon/tenon.hpp>

#include <algorithm>
#include <cstdlib>

#include "caffe_schema.hpp"
#include "lexer.hpp"

namespace tenon::caffe {
namespace {

/// Reads the part of the schema language that the files of this plugin use. An enum inside a message is visible everywhere by its
/// name followed by the message's, or by its own where that is unique.
class SchemaReader {
  Lexer in_;
  size_t dialect_;
  std::map<std::string, MessageDef, std::less<>>& messages_;
  std::map<std::string, EnumDef, std::less<>>& enums_;

  void expect(char c) {
    if (!in_.accept(c)) throw Error(TENON_E_INTERNAL, std::string("the schema lacks '") + c + "' at " + in_.place(in_.peek().at));
  }
  std::string word() { return std::string(in_.take().s); }

  void skip_options() {
    if (!in_.accept('[')) return;
    while (in_.peek().kind != Token::end && !in_.accept(']')) in_.take();
  }
  void read_enum() {
    EnumDef& e = enums_[word()];
    expect('{');
    while (!in_.accept('}')) {
      std::string name = word();
      expect('=');
      e.emplace_back(name, std::atoll(word().c_str()));
      expect(';');
    }
  }
  void read_field(MessageDef& m, bool repeated) {
    FieldDef f;
    f.repeated = repeated;
    f.type_name = word();
    f.name = word();
    expect('=');
    f.number = static_cast<uint32_t>(std::atoll(word().c_str()));
    f.dialect = dialect_;
    skip_options();
    expect(';');
    m.fields.push_back(std::move(f));
  }
  void read_message() {
    std::string name = word();
    MessageDef& m = messages_[name];
    m.name = name;
    expect('{');
    while (!in_.accept('}')) {
      std::string what = word();
      if (what == "enum") read_enum();
      else if (what == "optional" || what == "repeated") read_field(m, what == "repeated");
      else throw Error(TENON_E_INTERNAL, "the schema has the word '" + what + "'");
    }
  }

 public:
  SchemaReader(const char* text, size_t dialect, std::map<std::string, MessageDef, std::less<>>& m, std::map<std::string, EnumDef, std::less<>>& e)
      : in_(text), dialect_(dialect), messages_(m), enums_(e) {}
  void run() {
    while (in_.peek().kind != Token::end) {
      std::string what = word();
      if (what == "message" || what == "extend") read_message();
      else if (what == "enum") read_enum();
      else
        while (in_.peek().kind != Token::end && !in_.accept(';')) in_.take();  // syntax, package
    }
  }
};

bool scalar_type(const std::string& name, FieldType* t) {
  static const std::map<std::string, FieldType> all = {
      {"bool", FieldType::boolean}, {"int32", FieldType::int32}, {"int64", FieldType::int64}, {"uint32", FieldType::uint32},
      {"float", FieldType::f32}, {"double", FieldType::f64}, {"string", FieldType::string}, {"bytes", FieldType::bytes}};
  auto at = all.find(name);
  if (at == all.end()) return false;
  *t = at->second;
  return true;
}

}  // namespace

Schema::Schema() {
  for (const auto& f : kSchemaFiles) dialects_.emplace_back(f.dialect);
  for (size_t k = 0; k < dialects_.size(); ++k) SchemaReader(kSchemaFiles[k].text, k, messages_, enums_).run();
  resolve();
}

void Schema::resolve() {
  for (auto& [name, m] : messages_)
    for (auto& f : m.fields) {
      if (scalar_type(f.type_name, &f.type)) continue;
      auto inner = messages_.find(f.type_name);
      auto values = enums_.find(f.type_name);
      f.type = inner != messages_.end() ? FieldType::message : FieldType::enumeration;
      if (inner != messages_.end()) f.message = &inner->second;
      else if (values != enums_.end()) f.values = &values->second;
      else throw Error(TENON_E_INTERNAL, "the schema has no type '" + f.type_name + "'");
    }
}

const Schema& Schema::get() {
  static const Schema all;
  return all;
}

const MessageDef& Schema::message(std::string_view name) const {
  auto at = messages_.find(name);
  if (at == messages_.end()) throw Error(TENON_E_INTERNAL, "the schema has no message '" + std::string(name) + "'");
  return at->second;
}

Dialect::Dialect(std::string name) : schema_(Schema::get()), name_(name.empty() ? "auto" : std::move(name)), any_(name_ == "auto") {
  const auto& all = schema_.dialects();
  if (any_ || std::find(all.begin(), all.end(), name_) != all.end()) return;
  std::string list = "auto";
  for (const auto& d : all) list += ", " + d;
  throw Error(TENON_E_CONFIG, "there is no such dialect of Caffe").with("expected", list).with("found", name_);
}

// NVIDIA's blobs clash with nobody: they are read in every dialect.
bool Dialect::allowed(const FieldDef& f) const {
  const std::string& d = schema_.dialects()[f.dialect];
  return any_ || d == name_ || d == "bvlc" || d == "nvidia";
}

const FieldDef* Dialect::by_name(const MessageDef& m, std::string_view name) const {
  const FieldDef* found = nullptr;
  for (const auto& f : m.fields)
    if (f.name == name && (!found || dialect_of(f) == name_)) found = &f;
  return found;
}

std::vector<const FieldDef*> Dialect::by_number(const MessageDef& m, uint32_t number) const {
  std::vector<const FieldDef*> r;
  for (const auto& f : m.fields) {
    if (f.number != number || !allowed(f)) continue;
    bool known = std::any_of(r.begin(), r.end(), [&](const FieldDef* o) { return o->name == f.name && o->type_name == f.type_name; });
    if (!known) r.push_back(&f);
  }
  if (any_ || r.size() < 2) return r;
  std::erase_if(r, [&](const FieldDef* f) { return dialect_of(*f) != name_; });
  return r;
}

}  // namespace tenon::caffe
