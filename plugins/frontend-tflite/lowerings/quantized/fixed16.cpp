// SPDX-License-Identifier: Apache-2.0
#include "fixed16.hpp"

#include <array>
#include <cmath>
#include <cstdlib>

namespace tenon::tflite {
namespace {

constexpr int32_t kMost = INT16_MAX;

int16_t saturated(int32_t v) { return static_cast<int16_t>(std::clamp<int32_t>(v, INT16_MIN, INT16_MAX)); }
int16_t wrapped(int32_t v) { return static_cast<int16_t>(v); }

/// x * 2^exponent: saturating to the left, rounding halves away from zero to the right.
int16_t times_power_of_two(int16_t x, int exponent) {
  if (exponent < 0) return static_cast<int16_t>(rounding_divide_by_power_of_two(x, -exponent));
  return saturated(x * (1 << exponent));
}

/// A constant given as 32-bit fixed point, cut to 16 bits.
int16_t constant(int32_t raw32) { return static_cast<int16_t>(rounding_divide_by_power_of_two(raw32, 16)); }
int16_t constant(double value, int integer_bits) { return constant(static_cast<int32_t>(std::round(std::ldexp(value, 31 - integer_bits)))); }

/// exp(x) for x in [-1/4, 0), both with 0 integer bits.
int16_t exp_near_zero(int16_t a) {
  static const int16_t centre = constant(std::exp(-0.125), 0), third = constant(1.0 / 3, 0);
  const int16_t x = wrapped(a + (1 << 12)), x2 = doubling_high_multiply16(x, x);
  const int16_t x3 = doubling_high_multiply16(x2, x), x4 = doubling_high_multiply16(x2, x2);
  const int16_t cubic = doubling_high_multiply16(wrapped(times_power_of_two(x4, -2) + x3), third);
  const int16_t rest = times_power_of_two(wrapped(cubic + x2), -1);
  return saturated(centre + doubling_high_multiply16(centre, wrapped(x + rest)));
}

/// exp(a) with 0 integer bits for a <= 0 with `integer_bits`.
int16_t exp_of_negative(int16_t a, int integer_bits) {
  const int fraction = 15 - integer_bits;
  if (a == 0) return kMost;
  const int32_t quarter = 1 << (fraction - 2), mod = (a & (quarter - 1)) - quarter;
  int16_t result = exp_near_zero(times_power_of_two(wrapped(mod), integer_bits));
  const int32_t remainder = mod - a;
  for (int exponent = -2; exponent < integer_bits && exponent <= 4; ++exponent)
    if (remainder & (1 << (fraction + exponent))) result = doubling_high_multiply16(result, constant(std::exp(-std::ldexp(1.0, exponent)), 0));
  if (integer_bits > 5 && a < -(1 << (fraction + 5))) result = 0;
  return result;
}

/// 2 / (1 + a) with 2 integer bits for a in [0, 1] with none.
int16_t reciprocal_of_mean(int16_t a) {
  static const int16_t start = constant(48.0 / 17, 2), slope = constant(-32.0 / 17, 2);
  const auto half = static_cast<int16_t>((a + kMost + 1) / 2);
  int16_t x = wrapped(start + doubling_high_multiply16(half, slope));
  for (int i = 0; i < 3; ++i) {
    const int16_t error = wrapped((1 << 13) - doubling_high_multiply16(half, x));
    x = wrapped(x + times_power_of_two(doubling_high_multiply16(x, error), 2));
  }
  return x;
}

/// round(65536 * sigmoid(i / 24)), lowered by half the error that a straight line makes in the middle of the step.
const std::array<uint32_t, 256>& sigmoid_table() {
  static const std::array<uint32_t, 256> table = [] {
    auto f = [](double x) { return 65536 / (1 + std::exp(-x / 24)); };
    std::array<uint32_t, 256> t{};
    for (int i = 0; i < 255; ++i) t[static_cast<size_t>(i)] = static_cast<uint32_t>(std::floor(f(i) - ((f(i) + f(i + 1)) / 2 - f(i + 0.5)) / 2 + 0.5));
    t[255] = 65535;
    return t;
  }();
  return table;
}

/// The table at magnitude / 2^bits, with `bits` more fraction bits; beyond the table `beyond`.
uint32_t interpolated(uint32_t magnitude, int bits, uint32_t beyond) {
  const uint32_t step = magnitude >> bits, part = magnitude & ((1u << bits) - 1);
  if (step >= 255) return beyond;
  const uint32_t a = sigmoid_table()[step], b = sigmoid_table()[step + 1];
  return (a << bits) + part * (b - a);
}

int32_t rescaled(int16_t x, int32_t multiplier, int shift) {
  const int64_t round = shift > 0 ? int64_t{1} << (shift - 1) : 0;
  return saturate_to_i32((int64_t{x} * multiplier + round) >> shift);
}

}  // namespace

int16_t doubling_high_multiply16(int16_t a, int16_t b) {
  if (a == INT16_MIN && b == INT16_MIN) return INT16_MAX;
  const int32_t ab = int32_t{a} * b;
  return static_cast<int16_t>((ab + (ab >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15));
}

int16_t fixed_logistic(int16_t x) {
  if (x == 0) return 1 << 14;
  const int16_t magnitude = x > 0 ? x : wrapped(-x);
  const int16_t positive = times_power_of_two(reciprocal_of_mean(exp_of_negative(wrapped(-magnitude), 3)), 1);
  return x > 0 ? positive : static_cast<int16_t>(kMost - positive);
}

int16_t fixed_tanh(int16_t x, int integer_bits) {
  if (x == 0) return 0;
  const int16_t negative = x < 0 ? x : wrapped(-x);
  const int16_t t = times_power_of_two(wrapped(reciprocal_of_mean(exp_of_negative(negative, integer_bits + 1)) - (1 << 13)), 2);
  return x < 0 ? wrapped(-t) : t;
}

int16_t table_logistic(int16_t x, int32_t multiplier, int shift) {
  const int32_t v = rescaled(x, multiplier, shift);
  const uint32_t r = interpolated(static_cast<uint32_t>(std::abs(int64_t{v})), 9, 0x7FFFu << 10);
  return static_cast<int16_t>((v >= 0 ? r + (1u << 9) : (1u << 25) - r + (1u << 9) - 1) >> 10);
}

int16_t table_tanh(int16_t x, int32_t multiplier, int shift) {
  const int32_t v = rescaled(x, multiplier, shift);
  const auto r = static_cast<int32_t>(interpolated(static_cast<uint32_t>(std::abs(int64_t{v})), 8, 0xFFFFu << 8));
  return static_cast<int16_t>((v >= 0 ? r - (1 << 23) + (1 << 7) : (1 << 23) - r + (1 << 7) - 1) >> 8);
}

}  // namespace tenon::tflite
