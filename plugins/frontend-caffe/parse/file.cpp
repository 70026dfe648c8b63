// SPDX-License-Identifier: Apache-2.0
#include "file.hpp"

#include <algorithm>

namespace tenon::caffe {
namespace {

/// Length of the sequence at s[i]; 0 when it is malformed, overlong, a surrogate or beyond U+10FFFF.
size_t sequence(std::string_view s, size_t i) {
  auto byte = [&](size_t k) { return i + k < s.size() ? static_cast<uint8_t>(s[i + k]) : 0u; };
  uint32_t lead = byte(0), low = 0x80, high = 0xbf;
  size_t n = lead < 0x80 ? 1 : lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
  if (lead == 0xe0) low = 0xa0;
  if (lead == 0xed) high = 0x9f;
  if (lead == 0xf0) low = 0x90;
  if (lead == 0xf4) high = 0x8f;
  if (n > 1 && (byte(1) < low || byte(1) > high)) return 0;
  for (size_t k = 2; k < n; ++k)
    if (byte(k) < 0x80 || byte(k) > 0xbf) return 0;
  return n;
}

}  // namespace

bool is_utf8(std::string_view s) {
  for (size_t i = 0; i < s.size();) {
    size_t n = sequence(s, i);
    if (!n) return false;
    i += n;
  }
  return true;
}

std::string printable(std::string_view s) {
  std::string r(s.substr(0, 60));
  std::replace_if(r.begin(), r.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return s.size() > 60 ? r + "..." : r;
}

}  // namespace tenon::caffe
