// SPDX-License-Identifier: Apache-2.0
#include "text.hpp"

#include <cstdint>

namespace tenon::tflite {
namespace {

// Bytes of the well-formed sequence at the beginning of s; 0 when there is none (Unicode 15, table 3-7).
size_t sequence(std::string_view s) {
  auto byte = [&](size_t k) { return k < s.size() ? static_cast<uint8_t>(s[k]) : 0; };
  uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  size_t n = lead >= 0xC2 && lead <= 0xDF ? 2 : lead >= 0xE0 && lead <= 0xEF ? 3 : lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (n == 0 || s.size() < n || byte(1) < low || byte(1) > high) return 0;
  for (size_t k = 2; k < n; ++k)
    if ((byte(k) & 0xC0) != 0x80) return 0;
  return n;
}

}  // namespace

std::string utf8(std::string_view s) {
  std::string r;
  r.reserve(s.size());
  while (!s.empty()) {
    size_t n = sequence(s);
    r += n ? s.substr(0, n) : std::string_view("\xEF\xBF\xBD");
    s.remove_prefix(n ? n : 1);
  }
  return r;
}

}  // namespace tenon::tflite
