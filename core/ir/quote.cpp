// SPDX-License-Identifier: Apache-2.0
#include "quote.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

namespace tenon::core {
namespace {

/// Length of the well-formed UTF-8 sequence at s[i], 0 for none.
size_t utf8_length(std::string_view s, size_t i) {
  const auto byte = [&](size_t k) -> unsigned { return i + k < s.size() ? static_cast<unsigned char>(s[i + k]) : 0; };
  const auto tail = [&](size_t k) { return (byte(k) & 0xc0) == 0x80; };
  const unsigned c = byte(0);
  if (c >= 0xc2 && c <= 0xdf) return tail(1) ? 2 : 0;
  if (c >= 0xe0 && c <= 0xef) {
    const bool overlong = c == 0xe0 && byte(1) < 0xa0, surrogate = c == 0xed && byte(1) > 0x9f;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (c >= 0xf0 && c <= 0xf4) {
    const bool overlong = c == 0xf0 && byte(1) < 0x90, beyond = c == 0xf4 && byte(1) > 0x8f;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

constexpr std::string_view kEscaped = "\"\\\n\t\r", kEscapes = "\"\\ntr";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

template <class T>
std::string with_point(T v) {
  std::string s = fmt::format("{}", v);
  return s.find_first_of(".en") == std::string::npos ? s + ".0" : s;
}

template <class T, class Bits>
std::string number_text(T v) {
  if (!std::isnan(v)) return with_point(v);
  Bits bits, usual;
  const T nan = std::numeric_limits<T>::quiet_NaN();
  std::memcpy(&bits, &v, sizeof v);
  std::memcpy(&usual, &nan, sizeof v);
  return bits == usual ? "nan" : fmt::format("nan(0x{:x})", bits);
}

}  // namespace

std::string quote(std::string_view s) {
  std::string out = "\"";
  for (size_t i = 0; i < s.size();) {
    const unsigned char c = static_cast<unsigned char>(s[i]);
    const size_t escape = kEscaped.find(s[i]), length = c < 0x80 ? 1 : utf8_length(s, i);
    if (escape != std::string_view::npos) out += {'\\', kEscapes[escape]};
    else if (length == 0 || c < 0x20 || c == 0x7f) out += fmt::format("\\x{:02x}", c);
    else out += s.substr(i, length);
    i += length ? length : 1;
  }
  return out + '"';
}

bool unquote(std::string_view text, size_t* at, std::string* out) {
  size_t& i = *at;
  out->clear();
  if (i >= text.size() || text[i] != '"') return false;
  for (++i; i < text.size(); ++i) {
    if (text[i] == '"') return ++i, true;
    if (text[i] == '\n') return false;
    if (text[i] != '\\') {
      *out += text[i];
      continue;
    }
    if (i + 1 >= text.size()) return false;
    const size_t escape = kEscapes.find(text[i + 1]);
    if (escape != std::string_view::npos) {
      *out += kEscaped[escape];
      ++i;
      continue;
    }
    if (text[i + 1] != 'x' || i + 3 >= text.size() || hex_digit(text[i + 2]) < 0 || hex_digit(text[i + 3]) < 0) return false;
    *out += static_cast<char>(hex_digit(text[i + 2]) * 16 + hex_digit(text[i + 3]));
    i += 3;
  }
  return false;
}

std::string to_base64(const uint8_t* data, uint64_t size) {
  std::string out;
  out.reserve((size + 2) / 3 * 4);
  for (uint64_t i = 0; i < size; i += 3) {
    const uint64_t left = size - i;
    const uint32_t three = data[i] << 16u | (left > 1 ? data[i + 1] << 8u : 0u) | (left > 2 ? data[i + 2] : 0u);
    for (unsigned k = 0; k < 4; ++k) out += k <= left ? kBase64[three >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

bool from_base64(std::string_view text, std::vector<uint8_t>* out) {
  out->clear();
  if (text.size() % 4 != 0) return false;
  out->reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const unsigned padding = last && text[i + 3] == '=' ? (text[i + 2] == '=' ? 2 : 1) : 0;
    uint32_t three = 0;
    for (unsigned k = 0; k < 4; ++k) {
      const size_t digit = k + padding >= 4 ? 0 : kBase64.find(text[i + k]);
      if (digit == std::string_view::npos) return false;
      three = three << 6u | static_cast<uint32_t>(digit);
    }
    for (unsigned k = 0; k + padding < 3; ++k) out->push_back(static_cast<uint8_t>(three >> (16 - 8 * k)));
    if (padding && (three & ((1u << (8 * padding)) - 1))) return false;
  }
  return true;
}

std::string float_text(float v) { return number_text<float, uint32_t>(v); }

std::string double_text(double v) {
  std::string full = number_text<double, uint64_t>(v);
  if (std::isfinite(v) && std::abs(v) <= 3e38 && static_cast<double>(static_cast<float>(v)) == v) {
    std::string small = with_point(static_cast<float>(v)) + "f";
    if (small.size() < full.size()) return small;
  }
  return full;
}

}  // namespace tenon::core
