// SPDX-License-Identifier: Apache-2.0
// utf.hpp - UTF-8 to UTF-32 and back.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tenon::core {

/// False for what is no Unicode scalar value.
inline bool append_utf8(uint32_t c, std::string* out) {
  if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return false;
  if (c < 0x80) {
    *out += static_cast<char>(c);
  } else if (c < 0x800) {
    *out += {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
  } else if (c < 0x10000) {
    *out += {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
  } else {
    *out += {static_cast<char>(0xf0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 63)), static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
  }
  return true;
}

/// Nothing when s is not valid UTF-8.
inline std::optional<std::u32string> utf32(std::string_view s) {
  std::u32string out;
  for (size_t i = 0; i < s.size();) {
    auto b = static_cast<uint8_t>(s[i]);
    size_t n = b < 0x80 ? 1 : b >> 5 == 6 ? 2 : b >> 4 == 14 ? 3 : b >> 3 == 30 ? 4 : 0;
    if (n == 0 || i + n > s.size()) return std::nullopt;
    uint32_t c = n == 1 ? b : b & (0x7fu >> n);
    for (size_t k = 1; k < n; ++k) {
      auto x = static_cast<uint8_t>(s[i + k]);
      if (x >> 6 != 2) return std::nullopt;
      c = c << 6 | (x & 63);
    }
    std::string again;
    if (!append_utf8(c, &again) || again.size() != n) return std::nullopt;
    out += static_cast<char32_t>(c);
    i += n;
  }
  return out;
}

}  // namespace tenon::core
