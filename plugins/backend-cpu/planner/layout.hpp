// SPDX-License-Identifier: Apache-2.0
// layout.hpp - physical layouts of a tensor. A closed set, so that every kernel can say which ones it takes.
#pragma once
#include <cstdint>
#include <tenon/base.hpp>

namespace tenon::cpu {

/// For dims [N, C, spatial...]: plain is row-major; channels_last is [N, spatial..., C]; blockedB is [N, ceil(C / B),
/// spatial..., B] with zeros in the last block's surplus channels.
enum class Layout : uint8_t { plain, channels_last, blocked8, blocked16 };
inline constexpr int kLayouts = 4;

inline int64_t block_of(Layout l) { return l == Layout::blocked16 ? 16 : l == Layout::blocked8 ? 8 : 1; }
inline int64_t round_up(int64_t n, int64_t b) { return (n + b - 1) / b * b; }

inline int64_t product(const Dims& d, size_t from = 0) {
  int64_t n = 1;
  for (size_t i = from; i < d.size(); ++i) n *= d[i];
  return n;
}
/// Elements that a tensor of these dims has in memory.
inline int64_t physical_count(const Dims& d, Layout l) {
  if (block_of(l) == 1) return product(d);
  return d[0] * round_up(d[1], block_of(l)) * product(d, 2);
}
/// Whether the last block holds channels that do not exist.
inline bool has_padding(const Dims& d, Layout l) { return block_of(l) > 1 && d[1] % block_of(l) != 0; }
/// Whether both layouts put the same bytes at the same places.
inline bool same_bytes(const Dims& d, Layout a, Layout b) {
  if (a == b) return true;
  if (d.size() < 2) return false;
  const bool point = product(d, 2) == 1;
  auto dense = [&](Layout l) { return l == Layout::plain || l == Layout::channels_last || d[1] % block_of(l) == 0; };
  if (point && dense(a) && dense(b)) return true;
  return d[1] == 1 && block_of(a) == 1 && block_of(b) == 1;
}
/// Row-major strides in elements.
inline Dims dense_strides(const Dims& d) {
  Dims s(d.size(), 1);
  for (size_t i = d.size(); i-- > 1;) s[i - 1] = s[i] * d[i];
  return s;
}
/// Strides of the logical dims [N, C, spatial...] in channels_last memory.
inline Dims channels_last_strides(const Dims& d) {
  Dims s(d.size(), 1);
  s[1] = 1;
  int64_t run = d[1];
  for (size_t i = d.size(); i-- > 2;) {
    s[i] = run;
    run *= d[i];
  }
  s[0] = run;
  return s;
}

}  // namespace tenon::cpu
