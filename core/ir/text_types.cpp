// SPDX-License-Identifier: Apache-2.0
#include "text_types.hpp"

#include <tenon/dtype.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "quote.hpp"
#include "walk.hpp"

namespace tenon::core {
namespace {

bool take(std::string_view text, size_t* at, std::string_view word) {
  if (text.substr(*at, word.size()) != word) return false;
  *at += word.size();
  return true;
}

bool take_number(std::string_view text, size_t* at, uint64_t limit, uint64_t* out) {
  while (*at < text.size() && text[*at] == ' ') ++*at;
  const size_t begin = *at;
  for (*out = 0; *at < text.size() && is_digit(text[*at]); ++*at) {
    *out = *out * 10 + static_cast<uint64_t>(text[*at] - '0');
    if (*out > limit) return false;
  }
  return *at > begin;
}

bool parse_raw_dtype(std::string_view text, size_t* at, tenon_dtype* out) {
  uint64_t code = 0, bits = 0, lanes = 0, flags = 0;
  if (!take_number(text, at, 255, &code) || !take(text, at, ",") || !take_number(text, at, 255, &bits) || !take(text, at, ",") ||
      !take_number(text, at, 65535, &lanes) || !take(text, at, ",") || !take_number(text, at, 0xffffffff, &flags) || !take(text, at, ">"))
    return false;
  *out = {static_cast<uint8_t>(code), static_cast<uint8_t>(bits), static_cast<uint16_t>(lanes), static_cast<uint32_t>(flags)};
  return true;
}

template <class T>
T load(const uint8_t* data, uint64_t k) {
  T v;
  std::memcpy(&v, data + k * sizeof(T), sizeof(T));
  return v;
}

/// Unsigned element k of 2, 4, 8, 16, 32 or 64 bits, packed low bits first.
uint64_t load_bits(const uint8_t* data, unsigned bits, uint64_t k) {
  if (bits < 8) return data[k * bits / 8] >> (k * bits % 8) & ((1u << bits) - 1);
  uint64_t v = 0;
  std::memcpy(&v, data + k * (bits / 8), bits / 8);
  return v;
}

std::string integer_text(tenon_dtype t, const uint8_t* data, uint64_t k) {
  const uint64_t v = load_bits(data, t.bits, k);
  if (t.code == TENON_DT_UINT || t.bits == 64) return t.code == TENON_DT_UINT ? std::to_string(v) : std::to_string(static_cast<int64_t>(v));
  const uint64_t sign = 1ull << (t.bits - 1);
  return std::to_string(static_cast<int64_t>(v ^ sign) - static_cast<int64_t>(sign));
}

/// Only where the padding bits at the end are zero, as they are made when read back.
bool clean_padding(tenon_dtype t, const uint8_t* data, uint64_t elements) {
  const unsigned used = static_cast<unsigned>(elements * t.bits % 8);
  return t.bits >= 8 || used == 0 || data[elements * t.bits / 8] >> used == 0;
}

bool strings_text(const uint8_t* data, uint64_t bytes, uint64_t elements, std::string* out) {
  std::vector<std::string_view> strings;
  if (!read_string_table(data, bytes, elements, &strings)) return false;
  uint64_t used = (elements + 1) * 8;
  for (const auto& s : strings) {
    *out += (out->empty() ? "" : ", ") + quote(s);
    used += s.size();
  }
  return used == bytes;
}

template <class T, class Bits>
bool parse_number(std::string_view token, T* out) {
  if (token == "nan") return *out = std::numeric_limits<T>::quiet_NaN(), true;
  const char* end = token.data() + token.size();
  if (token.size() > 8 && token.substr(0, 6) == "nan(0x" && token.back() == ')') {
    Bits bits = 0;
    const auto r = std::from_chars(token.data() + 6, end - 1, bits, 16);
    std::memcpy(out, &bits, sizeof bits);
    return r.ec == std::errc() && r.ptr == end - 1 && std::isnan(*out);
  }
  const bool word = token.find_first_of("nN") != std::string_view::npos && token != "inf" && token != "-inf";
  const auto r = std::from_chars(token.data(), end, *out);
  return !word && r.ec == std::errc() && r.ptr == end;
}

bool pack_integer(tenon_dtype t, std::string_view token, uint64_t k, uint8_t* data) {
  const bool negative = !token.empty() && token[0] == '-';
  uint64_t magnitude = 0;
  const char* end = token.data() + token.size();
  const auto r = std::from_chars(token.data() + negative, end, magnitude);
  if (r.ec != std::errc() || r.ptr != end) return false;
  const bool is_signed = t.code == TENON_DT_INT;
  const uint64_t top = t.bits == 64 ? UINT64_MAX : (1ull << t.bits) - 1;
  const uint64_t limit = !is_signed ? (negative ? 0 : top) : top / 2 + (negative ? 1 : 0);
  if (magnitude > limit) return false;
  const uint64_t v = (negative ? 0 - magnitude : magnitude) & top;
  if (t.bits < 8) data[k * t.bits / 8] = static_cast<uint8_t>(data[k * t.bits / 8] | v << (k * t.bits % 8));
  else std::memcpy(data + k * (t.bits / 8), &v, t.bits / 8);
  return true;
}

/// The integer types that have a text form, whatever a file claims.
bool plain_integer(tenon_dtype t) { return is_int(t) && t.flags == 0 && (t.bits == 2 || t.bits == 4 || t.bits == 8 || t.bits == 16 || t.bits == 32 || t.bits == 64); }

}  // namespace

bool value_name_char(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '/' || c == '$'; }
bool plain_value_name(std::string_view s) { return !s.empty() && !is_digit(s[0]) && std::all_of(s.begin(), s.end(), value_name_char); }
bool word_char(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '.'; }
bool plain_word(std::string_view s) { return !s.empty() && !is_digit(s[0]) && s[0] != '.' && std::all_of(s.begin(), s.end(), word_char); }

std::string dtype_text(tenon_dtype t) {
  std::string name = dtype_name(t);
  tenon_dtype back;
  size_t at = 0;
  if (parse_dtype(name, &at, &back) && at == name.size() && back == t) return name;
  return "dtype<" + std::to_string(t.code) + ", " + std::to_string(t.bits) + ", " + std::to_string(t.lanes) + ", " + std::to_string(t.flags) + ">";
}

bool parse_dtype(std::string_view text, size_t* at, tenon_dtype* out) {
  if (take(text, at, "dtype<")) return parse_raw_dtype(text, at, out);
  uint32_t flags = 0;
  int open = 0;
  const auto container = [&](std::string_view word, uint32_t flag) {
    if (!take(text, at, word)) return;
    flags |= flag;
    ++open;
  };
  container("optional(", TENON_DTF_OPTIONAL);
  container("seq(", TENON_DTF_SEQUENCE);
  container("map(", TENON_DTF_MAP);
  uint16_t key = 0;
  if (flags & TENON_DTF_MAP) {
    key = take(text, at, "i64, ") ? 1 : take(text, at, "string, ") ? 2 : 0;
    if (!key) return false;
  }
  const size_t begin = *at;
  while (*at < text.size() && (is_letter(text[*at]) || is_digit(text[*at]))) ++*at;
  const std::string_view name = text.substr(begin, *at - begin);
  const auto& all = dtype_names();
  const auto it = std::find_if(all.begin(), all.end(), [&](const DTypeName& d) { return name == d.name; });
  if (it == all.end()) return *at = begin, false;
  *out = it->type;
  out->flags |= flags;
  if (key) out->lanes = key;
  while (open-- > 0)
    if (!take(text, at, ")")) return false;
  return true;
}

bool dense_text(tenon_dtype t, const uint8_t* data, uint64_t bytes, uint64_t elements, std::string* out) {
  out->clear();
  if (t.code == TENON_DT_STRING) return strings_text(data, bytes, elements, out);
  if (bytes != bytes_of(t, elements) || !clean_padding(t, data, elements)) return false;
  for (uint64_t k = 0; k < elements; ++k) {
    std::string s;
    if (t == dt::f32) s = float_text(load<float>(data, k));
    else if (t == dt::f64) s = double_text(load<double>(data, k));
    else if (t == dt::boolean && data[k] <= 1) s = data[k] ? "true" : "false";
    else if (plain_integer(t)) s = integer_text(t, data, k);
    else return false;
    *out += (k ? ", " : "") + s;
  }
  return elements != 0 || t == dt::f32 || t == dt::f64 || t == dt::boolean || plain_integer(t);
}

bool parse_integer(std::string_view token, int64_t* out) {
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), *out);
  return error == std::errc() && end == token.data() + token.size();
}

bool parse_double(std::string_view token, double* out) {
  float small = 0;
  if (token != "inf" && token != "-inf" && token.size() > 1 && token.back() == 'f') {
    if (!parse_number<float, uint32_t>(token.substr(0, token.size() - 1), &small)) return false;
    *out = static_cast<double>(small);
    return true;
  }
  return parse_number<double, uint64_t>(token, out);
}

bool pack_element(tenon_dtype t, std::string_view token, uint64_t k, uint8_t* data) {
  if (t == dt::boolean && (token == "true" || token == "false")) return data[k] = token == "true", true;
  if (plain_integer(t)) return pack_integer(t, token, k, data);
  float f = 0;
  double d = 0;
  if (t == dt::f32 && parse_number<float, uint32_t>(token, &f)) return std::memcpy(data + k * 4, &f, 4), true;
  if (t == dt::f64 && parse_double(token, &d)) return std::memcpy(data + k * 8, &d, 8), true;
  return false;
}

}  // namespace tenon::core
