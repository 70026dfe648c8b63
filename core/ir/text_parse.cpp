// SPDX-License-Identifier: Apache-2.0
// Parser of the text form: file, constants, values and types. Graphs and nodes are in text_parse_graph.cpp.
//
//   file     := "tenon 1" ("meta" STRING "=" STRING)* ("const" value "=" contents)* ("shared" graph)* graph
//   value    := VALUE [":" type] ["quantized" "(" axis "," "[" scales "]" "," "[" zero points "]" ")"]
//   VALUE    := "%" (name | STRING) ["#" number] | "%" number (a value without a name) | "_" (absent)
//   type     := element type "[" (dimensions | "*" for an unknown rank) "]"
//   contents := "dense<" elements ">" | "base64<" STRING ">"
//   graph    := "graph" "@" NAME ["#" number] "(" values ")" "->" "(" VALUE ["as" STRING] ... ")" "{" node* "}"
//   node     := (value | "(" values ")") "=" NAME "::" NAME ["@" version] "(" VALUES ")" ["{" NAME "=" attribute ... "}"]
//               ["name" STRING] ["origin" "(" STRING ":" STRING ... ")"]
#include <tenon/dtype.hpp>

#include <algorithm>
#include <cstring>

#include "quote.hpp"
#include "text_parser.hpp"
#include "text_types.hpp"
#include "walk.hpp"

namespace tenon::core {

Result<std::unique_ptr<Model>> TextParser::run() {
  if (!file()) return fail(lex_.error());
  return std::move(m_);
}

bool TextParser::file() {
  int64_t version = 0;
  const size_t at = lex_.at();
  if (!lex_.expect_word("tenon") || !lex_.integer(&version)) return false;
  if (version != 1) return lex_.fail_at(at, "this version of the text form is not known", "tenon 1");
  while (lex_.accept_word("meta")) {
    std::string key, text;
    if (!lex_.string(&key) || !lex_.expect('=') || !lex_.string(&text)) return false;
    m_->metadata[key] = text;
  }
  while (lex_.accept_word("const"))
    if (!constant()) return false;
  while (lex_.accept_word("shared"))
    if (!shared_graph()) return false;
  tenon_graph* main = nullptr;
  if (!lex_.expect_word("graph") || !graph(nullptr, 0, &main)) return false;
  for (const auto& [key, g] : shared_)
    if (g->holders.empty()) return lex_.fail_at(lex_.at(), "no node holds the shared graph '" + key.first + "'");
  return (lex_.at_end() || lex_.fail_at(lex_.at(), "syntax error", "the end of the text"));
}

bool TextParser::key(Key* out) {
  if (!lex_.expect('%')) return false;
  const std::string_view text = lex_.text();
  size_t at = lex_.at();
  out->second = 1;
  const auto digits = [&](uint64_t* n) {
    const size_t begin = at;
    for (*n = 0; at < text.size() && is_digit(text[at]) && at - begin < 18; ++at) *n = *n * 10 + static_cast<uint64_t>(text[at] - '0');
    return at > begin;
  };
  if (at < text.size() && is_digit(text[at])) {
    digits(&out->second);
    return lex_.move_to(at), true;
  }
  if (at < text.size() && text[at] == '"') {
    if (!lex_.string(&out->first)) return false;
  } else {
    const size_t begin = at;
    while (at < text.size() && value_name_char(text[at])) ++at;
    if (at == begin) return lex_.fail_at(begin, "syntax error", "the name of a value");
    out->first = text.substr(begin, at - begin);
    lex_.move_to(at);
  }
  if (!lex_.accept('#')) return true;
  at = lex_.at();
  if (!digits(&out->second)) return lex_.fail_at(at, "syntax error", "a number");
  return lex_.move_to(at), true;
}

bool TextParser::define(const Declared& d, tenon_value v) {
  m_->values.quantization[slot(v)] = d.quantization;
  return values_.try_emplace(d.key, v).second || lex_.fail_at(d.at, "a value is defined twice");
}

bool TextParser::lookup(const Key& k, size_t at, tenon_graph& g, tenon_value* out) {
  const auto it = values_.find(k);
  if (it == values_.end()) return lex_.fail_at(at, "a value is used before it is defined", "a value that something before made");
  if (!visible(*m_, slot(it->second), g)) return lex_.fail_at(at, "a value is used outside the graph that makes it");
  *out = it->second;
  return true;
}

bool TextParser::use(tenon_graph& g, tenon_value* out) {
  *out = 0;
  const size_t at = lex_.at();
  Key k;
  return lex_.accept_word("_") || (key(&k) && lookup(k, at, g, out));
}

bool TextParser::declared(Declared* out) {
  out->at = lex_.at();
  if (lex_.accept_word("_")) return out->absent = true;
  return key(&out->key) && (!lex_.accept(':') || type(&out->type)) && (!lex_.accept_word("quantized") || quantization(out));
}

bool TextParser::type(ValueType* out) {
  size_t at = lex_.at();
  if (!parse_dtype(lex_.text(), &at, &out->dtype)) return lex_.fail_at(at, "unknown element type", "a type such as f32, seq(i64) or none");
  lex_.move_to(at);
  return lex_.expect('[') && dims(out);
}

bool TextParser::dims(ValueType* out) {
  if (lex_.accept('*')) return lex_.expect(']');
  out->rank = 0;
  return separated(']', [&] {
    const size_t begin = lex_.at();
    const std::string_view text = lex_.text();
    size_t end = begin;
    std::string ignored;
    for (int open = 0; end < text.size() && text[end] != '\n'; ++end) {
      const char c = text[end];
      if (c == '"') {
        if (!unquote(text, &end, &ignored)) return lex_.fail_at(end, "syntax error in a name");
        --end;
      } else if (open == 0 && (c == ',' || c == ']')) break;
      else open += c == '(' ? 1 : c == ')' ? -1 : 0;
    }
    while (end > begin && text[end - 1] == ' ') --end;
    bool ok = false;
    out->dims.push_back(m_->symbols.parse(text.substr(begin, end - begin), &ok));
    if (!ok) return lex_.fail_at(begin, "syntax error in a dimension", "a number, a name, an expression or ?");
    lex_.move_to(end);
    ++out->rank;
    return true;
  });
}

bool TextParser::quantization(Declared* out) {
  auto q = std::make_shared<Quantization>();
  int64_t axis = 0;
  const size_t at = lex_.at();
  if (!lex_.expect('(') || !lex_.integer(&axis) || !lex_.expect(',') || !lex_.expect('[')) return false;
  const auto scale = [&] {
    std::string_view token;
    float f = 0;
    const size_t here = lex_.at();
    if (!lex_.number(&token) || !pack_element(dt::f32, token, 0, reinterpret_cast<uint8_t*>(&f))) return lex_.fail_at(here, "syntax error", "a number");
    q->scale.push_back(f);
    return true;
  };
  const auto zero_point = [&] {
    q->zero_point.emplace_back();
    return lex_.integer(&q->zero_point.back());
  };
  if (!separated(']', scale) || !lex_.expect(',') || !lex_.expect('[') || !separated(']', zero_point) || !lex_.expect(')')) return false;
  q->axis = static_cast<int32_t>(axis);
  if (q->axis != axis || axis < -1) return lex_.fail_at(at, "the axis of a quantization is out of range");
  if (q->scale.size() != q->zero_point.size()) return lex_.fail_at(at, "a quantization needs as many zero points as scales");
  out->quantization = std::move(q);
  return true;
}

bool TextParser::constant() {
  Declared d;
  std::vector<uint8_t> bytes;
  if (!declared(&d) || !lex_.expect('=')) return false;
  if (d.absent) return lex_.fail_at(d.at, "a constant needs a name");
  uint64_t elements = 0, size = 0;
  if (!constant_size(d.type, &elements, &size)) return lex_.fail_at(d.at, "a constant needs an element type and a static shape");
  if (!contents(d.type, &bytes)) return false;
  const bool is_string = d.type.dtype.code == TENON_DT_STRING;
  std::vector<std::string_view> strings;
  if (is_string ? !read_string_table(bytes.data(), bytes.size(), elements, &strings) : bytes.size() != size)
    return lex_.fail_with(d.at, Error(TENON_E_INVALID, "the contents of a constant do not fit its type")
                                    .with("expected", std::to_string(elements) + " elements, " + std::to_string(size) + " bytes")
                                    .with("found", std::to_string(bytes.size()) + " bytes"));
  auto buffer = alloc_buffer(bytes.size());
  if (!buffer) return lex_.fail_with(d.at, buffer.error());
  if (!bytes.empty()) std::memcpy(buffer->writable(), bytes.data(), bytes.size());
  auto v = m_->add_constant(d.key.first, d.type, std::move(*buffer), 0);
  return v ? define(d, *v) : lex_.fail_with(d.at, v.error());
}

bool TextParser::contents(const ValueType& t, std::vector<uint8_t>* bytes) {
  uint64_t elements = 0, size = 0;
  if (lex_.accept_word("dense")) return lex_.expect('<') && constant_size(t, &elements, &size) && dense(t, elements, bytes);
  const size_t at = lex_.at();
  if (lex_.accept_word("elided"))
    return lex_.fail_with(at, Error(TENON_E_INVALID, "the contents of a constant were left out of the text").with("hint", "print the model with all contents"));
  std::string text;
  if (!lex_.expect_word("base64") || !lex_.expect('<') || !lex_.string(&text) || !lex_.expect('>')) return false;
  return from_base64(text, bytes) || lex_.fail_at(at, "syntax error in base64");
}

bool TextParser::dense(const ValueType& t, uint64_t elements, std::vector<uint8_t>* bytes) {
  const size_t at = lex_.at();
  uint64_t count = 0;
  if (t.dtype.code == TENON_DT_STRING) {
    if (!dense_strings(bytes, &count)) return false;
  } else {
    const bool ok = separated('>', [&] {
      const size_t here = lex_.at();
      std::string_view token;
      if (!lex_.number(&token)) return false;
      bytes->resize(bytes_of(t.dtype, ++count));
      return pack_element(t.dtype, token, count - 1, bytes->data()) || lex_.fail_at(here, "not an element of this type", "an element of type " + dtype_text(t.dtype));
    });
    if (!ok) return false;
  }
  return count == elements || lex_.fail_with(at, Error(TENON_E_INVALID, "the contents of a constant do not fit its shape")
                                                     .with("expected", std::to_string(elements) + " elements")
                                                     .with("found", std::to_string(count)));
}

bool TextParser::dense_strings(std::vector<uint8_t>* bytes, uint64_t* count) {
  std::vector<std::string> strings;
  const bool ok = separated('>', [&] {
    strings.emplace_back();
    return lex_.string(&strings.back());
  });
  *count = strings.size();
  *bytes = write_string_table(strings);
  return ok;
}

Result<std::unique_ptr<Model>> parse(std::string_view text) { return TextParser(text).run(); }

}  // namespace tenon::core
