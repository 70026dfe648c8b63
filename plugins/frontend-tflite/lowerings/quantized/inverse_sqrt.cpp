// SPDX-License-Identifier: Apache-2.0
#include "inverse_sqrt.hpp"

namespace tenon::tflite {
namespace {

/// Newton's iteration for 1 / sqrt(x); x and the result with 3 integer bits.
int32_t newton(int32_t x) {
  const int32_t half = rounding_divide_by_power_of_two(x, 1), three_halves = (1 << 28) + (1 << 27);
  int32_t r = 1 << 28;
  for (int i = 0; i < 5; ++i) {
    const int32_t cube = saturate_to_i32(int64_t{doubling_high_multiply(doubling_high_multiply(r, r), r)} * 64);
    const int64_t next = int64_t{doubling_high_multiply(three_halves, r)} - doubling_high_multiply(half, cube);
    r = saturate_to_i32(next * 8);
  }
  return r;
}

}  // namespace

FixedScale inverse_sqrt(int32_t x) {
  if (x <= 1) return {INT32_MAX, 0};
  int right = 11;
  for (; x >= 1 << 29; x /= 4) ++right;
  const int pairs = (__builtin_clz(static_cast<unsigned>(x)) - 1) / 2 - 1;
  right -= pairs;
  constexpr int32_t half_sqrt_2 = 1518500250;  // 0 integer bits
  int32_t m = doubling_high_multiply(newton((x << (2 * pairs)) >> 1), half_sqrt_2);
  if (right < 0) {
    m <<= -right;
    right = 0;
  }
  return {m, -right};
}

}  // namespace tenon::tflite
