// SPDX-License-Identifier: Apache-2.0
// fixed_point.hpp - integer-only multiplication by a real scale, as operator Requantize and TFLite's integer kernels define it:
// a scale is a 31-bit multiplier and a power of two (Jacob et al., "Quantization and Training of Neural Networks for Efficient
// Integer-Arithmetic-Only Inference", section 2.2).
#pragma once
#include <algorithm>
#include <cmath>

#include "base.hpp"

TENON_NAMESPACE_BEGIN

/// scale = multiplier * 2^(shift - 31), multiplier in [2^30, 2^31) or 0.
struct FixedScale {
  int32_t multiplier = 0;
  int shift = 0;
};

/// Nearest fixed-point scale of a scale >= 0. Scales below 2^-32, and NaN, are 0; above 2^30 they saturate.
inline FixedScale fixed_scale(double scale) {
  if (!(scale > 0)) return {};
  if (scale > 0x1p31) return {INT32_MAX, 30};
  FixedScale r;
  auto q = static_cast<int64_t>(std::round(std::ldexp(std::frexp(scale, &r.shift), 31)));
  if (q == int64_t{1} << 31) {
    q /= 2;
    ++r.shift;
  }
  if (r.shift < -31) return {};
  if (r.shift > 30) return {INT32_MAX, 30};
  r.multiplier = static_cast<int32_t>(q);
  return r;
}

inline int32_t saturate_to_i32(int64_t v) { return static_cast<int32_t>(std::clamp<int64_t>(v, INT32_MIN, INT32_MAX)); }

/// High 32 bits of 2 * a * b, rounded to nearest with halves up; (-2^31)^2 saturates.
inline int32_t doubling_high_multiply(int32_t a, int32_t b) {
  if (a == INT32_MIN && b == INT32_MIN) return INT32_MAX;
  const int64_t ab = int64_t{a} * b, nudge = ab >= 0 ? int64_t{1} << 30 : 1 - (int64_t{1} << 30);
  return static_cast<int32_t>((ab + nudge) / (int64_t{1} << 31));
}

/// x / 2^exponent, rounded to nearest with halves away from zero; exponent in [0, 31].
inline int32_t rounding_divide_by_power_of_two(int32_t x, int exponent) {
  const int64_t mask = (int64_t{1} << exponent) - 1, rest = x & mask, threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return static_cast<int32_t>((int64_t{x} >> exponent) + (rest > threshold ? 1 : 0));
}

/// The high multiply that both roundings below start with; a shift to the left comes before it.
inline int32_t rounded_product(int32_t x, FixedScale s) {
  return doubling_high_multiply(s.shift > 0 ? saturate_to_i32(int64_t{x} * (int64_t{1} << s.shift)) : x, s.multiplier);
}

/// x * scale with two roundings: a rounding high multiply, then a divide by a power of two with halves away from zero.
inline int32_t multiply_rounding_twice(int32_t x, FixedScale s) {
  return rounding_divide_by_power_of_two(rounded_product(x, s), s.shift > 0 ? 0 : -s.shift);
}

/// The same with a divide that rounds halves up.
inline int32_t multiply_rounding_twice_up(int32_t x, FixedScale s) {
  const int32_t product = rounded_product(x, s);
  return s.shift >= 0 ? product : static_cast<int32_t>((int64_t{product} + (int64_t{1} << (-s.shift - 1))) >> -s.shift);
}

/// x * scale with one rounding, halves up.
inline int32_t multiply_rounding_once(int32_t x, FixedScale s) {
  const int total = 31 - s.shift;
  return saturate_to_i32((int64_t{x} * s.multiplier + (int64_t{1} << (total - 1))) >> total);
}

/// x * scale for sums of 16-bit products: the multiplier is cut to 15 bits, rounding once, halves up. |x| beyond 2^47 is cut to it.
inline int32_t multiply_wide(int64_t x, FixedScale s) {
  constexpr int64_t most = int64_t{1} << 47, enough = int64_t{1} << 32;
  const int64_t multiplier = s.multiplier < 0x7FFF0000 ? (s.multiplier + (1 << 15)) >> 16 : 0x7FFF;
  const int total = 15 - s.shift;
  const int64_t product = std::clamp(x, -most, most) * multiplier;
  if (total <= 0) return saturate_to_i32(std::clamp(product, -enough, enough) * (int64_t{1} << -total));
  return saturate_to_i32((product + (int64_t{1} << (total - 1))) >> total);
}

TENON_NAMESPACE_END
