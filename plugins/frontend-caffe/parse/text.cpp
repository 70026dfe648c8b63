// SPDX-License-Identifier: Apache-2.0
// text.cpp - protobuf's text format.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "lexer.hpp"
#include "message.hpp"

namespace tenon::caffe {
namespace {

class TextReader {
  const File& file_;
  const Dialect& dialect_;
  Lexer in_;
  Budget budget_;

  Error bad(uint64_t at, std::string text) const { return invalid(std::move(text)).with("file", file_.path).with("position", in_.place(at)); }
  Error unexpected(const std::string& expected) const {
    const Token& t = in_.peek();
    return bad(t.at, "the text is malformed").with("expected", expected).with("found", t.kind == Token::end ? "the end of the file" : "'" + printable(t.s) + "'");
  }
  static bool opens(const Token& t) { return t.is('{') || t.is('<'); }

  /// A signed number as written, without a suffix.
  std::string number(const FieldDef* f) {
    std::string s = in_.accept('-') ? "-" : "";
    Token t = in_.peek();
    if (t.kind != Token::number && t.kind != Token::word) throw unexpected(f ? "a number for '" + f->name + "'" : "a number");
    in_.take();
    return s + std::string(t.s);
  }
  static bool special(std::string s, double* out) {
    std::transform(s.begin(), s.end(), s.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    bool minus = !s.empty() && s[0] == '-';
    std::string_view v = std::string_view(s).substr(minus);
    if (v != "inf" && v != "infinity" && v != "nan") return false;
    *out = v == "nan" ? std::nan("") : minus ? -INFINITY : INFINITY;
    return true;
  }
  static bool parse_int(const std::string& s, int64_t* out) {
    bool minus = !s.empty() && s[0] == '-';
    std::string_view v = std::string_view(s).substr(minus);
    int base = v.size() > 1 && v[0] == '0' ? (v[1] == 'x' || v[1] == 'X' ? 16 : 8) : 10;
    if (base == 16) v.remove_prefix(2);
    uint64_t n = 0;
    auto [end, e] = std::from_chars(v.data(), v.data() + v.size(), n, base);
    if (e != std::errc() || end != v.data() + v.size() || n > static_cast<uint64_t>(INT64_MAX)) return false;
    *out = minus ? -static_cast<int64_t>(n) : static_cast<int64_t>(n);
    return true;
  }
  int64_t integer(const FieldDef& f) {
    uint64_t at = in_.peek().at;
    std::string s = number(&f);
    int64_t v = 0, low = f.type == FieldType::uint32 ? 0 : f.type == FieldType::int32 ? INT32_MIN : INT64_MIN;
    int64_t high = f.type == FieldType::uint32 ? UINT32_MAX : f.type == FieldType::int32 ? INT32_MAX : INT64_MAX;
    if (!parse_int(s, &v) || v < low || v > high) throw bad(at, "'" + printable(s) + "' is no value for '" + f.name + "'").with("expected", f.type_name);
    return v;
  }
  /// Text with a suffix f is a float too. The nearest float, as protobuf stores it.
  double real(const FieldDef* f, std::string s, uint64_t at) {
    double v = 0;
    if (special(s, &v)) return v;
    int64_t whole = 0;
    if (s.size() > 1 && (s.back() == 'f' || s.back() == 'F') && s.find('x') == s.npos) s.pop_back();
    if (s.find('x') != s.npos && parse_int(s, &whole)) return static_cast<double>(whole);
    auto [end, e] = std::from_chars(s.data(), s.data() + s.size(), v);
    bool range = e == std::errc::result_out_of_range;
    if ((e != std::errc() && !range) || end != s.data() + s.size()) throw bad(at, "'" + printable(s) + "' is no number");
    if (range) v = std::strtod(s.c_str(), nullptr);
    return f && f->type == FieldType::f32 ? static_cast<double>(static_cast<float>(v)) : v;
  }
  std::string quoted() {
    std::string r;
    if (in_.peek().kind != Token::text) throw unexpected("quoted text");
    while (in_.peek().kind == Token::text) {
      Token t = in_.take();
      if (!unquote(t.s, &r)) throw bad(t.at, "the quoted text is malformed");
    }
    budget_.take(file_, r.size());
    if (!is_utf8(r)) throw bad(in_.peek().at, "the quoted text is no valid UTF-8");
    return r;
  }
  int64_t boolean(const FieldDef& f) {
    Token t = in_.take();
    if (t.s == "true" || t.s == "True" || t.s == "t" || t.s == "1") return 1;
    if (t.s == "false" || t.s == "False" || t.s == "f" || t.s == "0") return 0;
    throw bad(t.at, "'" + printable(t.s) + "' is no value for '" + f.name + "'").with("expected", "true or false");
  }
  std::string enumerator(const FieldDef& f) {
    Token t = in_.take();
    int64_t n = 0;
    bool numeric = t.kind == Token::number && parse_int(std::string(t.s), &n);
    std::string list;
    for (const auto& [name, value] : *f.values) {
      if (numeric ? value == n : name == t.s) return name;
      list += (list.empty() ? "" : ", ") + name;
    }
    throw bad(t.at, "'" + printable(t.s) + "' is no value for '" + f.name + "'").with("expected", list);
  }

  void value(const FieldDef& d, Field& to, int depth) {
    budget_.take(file_, 8);
    switch (d.type) {
      case FieldType::boolean: to.ints.push_back(boolean(d)); break;
      case FieldType::int32:
      case FieldType::int64:
      case FieldType::uint32: to.ints.push_back(integer(d)); break;
      case FieldType::f32:
      case FieldType::f64: {
        uint64_t at = in_.peek().at;
        to.floats.push_back(real(&d, number(&d), at));
        break;
      }
      case FieldType::string:
      case FieldType::bytes: to.texts.push_back(quoted()); break;
      case FieldType::enumeration: to.texts.push_back(enumerator(d)); break;
      case FieldType::message: to.messages.push_back(braced(d.message, depth + 1)); break;
    }
  }
  /// The value of a field that no schema has: what it looks like.
  void guess(Field& to, int depth) {
    budget_.take(file_, 8);
    Token t = in_.peek();
    if (opens(t)) return to.messages.push_back(braced(nullptr, depth + 1));
    if (t.kind == Token::text) return to.texts.push_back(quoted());
    if (t.kind == Token::word && t.s != "inf" && t.s != "nan") {
      in_.take();
      if (t.s == "true" || t.s == "false") return to.ints.push_back(t.s == "true");
      to.texts.emplace_back(t.s);
      return;
    }
    std::string s = number(nullptr);
    int64_t whole = 0;
    if (parse_int(s, &whole) && to.floats.empty()) return to.ints.push_back(whole);
    to.floats.assign(to.floats.empty() ? to.ints.begin() : to.ints.end(), to.ints.end());
    to.ints.clear();
    to.floats.push_back(static_cast<double>(static_cast<float>(real(nullptr, s, t.at))));
  }
  void one(const FieldDef* d, Field& to, int depth) {
    if (d) value(*d, to, depth);
    else guess(to, depth);
  }

  Message braced(const MessageDef* def, int depth) {
    if (depth > kMostDepth) throw bad(in_.peek().at, "messages nest deeper than " + std::to_string(kMostDepth));
    if (!opens(in_.peek())) throw unexpected("'{'");
    char close = in_.take().is('{') ? '}' : '>';
    Message m = fields(def, depth, close);
    if (!in_.accept(close)) throw unexpected(std::string("'") + close + "'");
    return m;
  }

  void field(Message& m, int depth) {
    Token name = in_.peek();
    if (name.kind != Token::word) throw unexpected("the name of a field");
    in_.take();
    const FieldDef* d = m.def ? dialect_.by_name(*m.def, name.s) : nullptr;
    if (!d && m.def && m.def->name != "LayerParameter" && m.def->name.find("Parameter") == m.def->name.npos)
      throw bad(name.at, m.def->name + " has no field '" + std::string(name.s) + "'");
    if (!d && m.def && m.def->name == "NetParameter") throw bad(name.at, "NetParameter has no field '" + std::string(name.s) + "'").with("hint", "the file is no network of Caffe");
    if (d && !d->repeated && m.has(name.s)) throw bad(name.at, "field '" + d->name + "' is given twice");
    if (!m.has(name.s)) budget_.take(file_, sizeof(Field) + name.s.size());
    Field& to = m.at_name(name.s, d);
    bool colon = in_.accept(':');
    if (!colon && !opens(in_.peek())) throw unexpected("':'");
    if (in_.accept('[')) {
      for (bool first = true; !in_.accept(']'); first = false) {
        if (!first && !in_.accept(',')) throw unexpected("',' or ']'");
        one(d, to, depth);
      }
    } else {
      one(d, to, depth);
    }
    if (!in_.accept(';')) in_.accept(',');
  }

  Message fields(const MessageDef* def, int depth, char close) {
    Message m;
    m.def = def;
    m.at = in_.peek().at;
    budget_.take(file_, sizeof(Message));
    while (in_.peek().kind != Token::end && !(close && in_.peek().is(close))) field(m, depth);
    return m;
  }

 public:
  TextReader(const File& file, const Dialect& dialect) : file_(file), dialect_(dialect), in_(file.bytes().text()), budget_(file.bytes().n) {}
  Message run(const MessageDef& def) { return fields(&def, 0, 0); }
};

}  // namespace

Message read_text(const File& file, const MessageDef& def, const Dialect& dialect) { return TextReader(file, dialect).run(def); }

int text_score(const uint8_t* p, uint64_t n) {
  if (std::find(p, p + n, 0) != p + n) return 0;
  Lexer in({reinterpret_cast<const char*>(p), static_cast<size_t>(n)});
  const MessageDef& net = Schema::get().message("NetParameter");
  Token t = in.take();
  bool known = t.kind == Token::word && std::any_of(net.fields.begin(), net.fields.end(), [&](const FieldDef& f) { return f.name == t.s; });
  return known && (in.peek().is(':') || in.peek().is('{')) ? 60 : 0;
}

}  // namespace tenon::caffe
