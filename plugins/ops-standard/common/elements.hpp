// SPDX-License-Identifier: Apache-2.0
// elements.hpp - C++ types for the narrow floating-point element types, and conversion of one element to another type.
//
// A narrow float holds its bits, converts to float implicitly and exactly, and is made from a double or float explicitly with
// one rounding (to nearest, ties to even). Kernels compute in compute_t<T> and write T(result).
#pragma once
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <tenon/node.hpp>

namespace tenon::ops {

/// What a narrow format does with infinities and NaN.
enum class Special { ieee, nan_only, nan_is_minus_zero, none };

/// Describes a narrow format: exponent and mantissa bits, exponent bias, special values.
template <int E, int M, int Bias, Special S>
struct FloatFormat {
  static constexpr int exponent_bits = E, mantissa_bits = M, bias = Bias, width = 1 + E + M;
  static constexpr Special special = S;
  static constexpr uint32_t sign = 1u << (E + M);
  static constexpr uint32_t all_ones = sign - 1;
  static constexpr uint32_t infinity = ((1u << E) - 1) << M;  // ieee only
  static constexpr uint32_t largest = S == Special::ieee ? infinity - 1 : S == Special::nan_only ? all_ones - 1 : all_ones;
  static constexpr uint32_t nan = S == Special::ieee ? infinity | (1u << (M - 1)) : S == Special::nan_only ? all_ones : sign;
  static constexpr bool has_nan = S != Special::none;
};

/// Bits of x in the format, rounded once. Beyond the largest value: with `saturate` the largest value, otherwise infinity, or
/// NaN where the format has none. A format without NaN gives minus zero for NaN, as ONNX's reference does.
template <class F>
uint32_t encode_float(double x, bool saturate) {
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  const uint32_t sign = bits >> 63 ? F::sign : 0;
  const int exponent = static_cast<int>(bits >> 52 & 0x7ff);
  const uint64_t fraction = bits & ((uint64_t{1} << 52) - 1);
  const bool signed_zero = F::special != Special::nan_is_minus_zero;
  if (exponent == 0x7ff && fraction) return F::has_nan ? F::nan | (signed_zero ? sign : 0) : F::sign;
  uint32_t magnitude = F::largest + 1;
  if (exponent != 0x7ff && exponent != 0) {
    const int e = exponent - 1023, lowest = 1 - F::bias;
    const int shift = 52 - F::mantissa_bits + (e < lowest ? lowest - e : 0);
    const uint64_t mantissa = fraction | uint64_t{1} << 52;
    uint64_t q = 0;
    if (shift <= 54) {
      const uint64_t half = uint64_t{1} << (shift - 1), rest = mantissa & ((half << 1) - 1);
      q = mantissa >> shift;
      q += rest > half || (rest == half && (q & 1));
    }
    if (e >= lowest) q += (static_cast<uint64_t>(e + F::bias) << F::mantissa_bits) - (uint64_t{1} << F::mantissa_bits);
    magnitude = q > F::largest ? F::largest + 1 : static_cast<uint32_t>(q);
  } else if (exponent == 0) {
    magnitude = 0;
  }
  if (magnitude > F::largest) {
    if (saturate || F::special == Special::none) return sign | F::largest;
    if (F::special == Special::ieee) return sign | F::infinity;
    return F::nan | (signed_zero ? sign : 0);
  }
  return magnitude == 0 && !signed_zero ? 0 : sign | magnitude;
}

template <class F>
float decode_float(uint32_t bits) {
  const float sign = bits & F::sign ? -1.0f : 1.0f;
  const uint32_t magnitude = bits & F::all_ones;
  const int exponent = static_cast<int>(magnitude >> F::mantissa_bits);
  const int fraction = static_cast<int>(magnitude & ((1u << F::mantissa_bits) - 1));
  if constexpr (F::special == Special::ieee) {
    if (magnitude == F::infinity) return sign * std::numeric_limits<float>::infinity();
    if (magnitude > F::infinity) return std::copysign(std::numeric_limits<float>::quiet_NaN(), sign);
  } else if constexpr (F::special == Special::nan_only) {
    if (magnitude == F::all_ones) return std::copysign(std::numeric_limits<float>::quiet_NaN(), sign);
  } else if constexpr (F::special == Special::nan_is_minus_zero) {
    if (bits == F::sign) return std::numeric_limits<float>::quiet_NaN();
  }
  const int whole = exponent ? fraction + (1 << F::mantissa_bits) : fraction;
  return sign * std::ldexp(static_cast<float>(whole), (exponent ? exponent : 1) - F::bias - F::mantissa_bits);
}

/// IEEE half precision.
struct f16_t {
  using format = FloatFormat<5, 10, 15, Special::ieee>;
  uint16_t bits;
  f16_t() = default;
  explicit f16_t(double x, bool saturate = false) : bits(static_cast<uint16_t>(encode_float<format>(x, saturate))) {}
  explicit f16_t(float x) : bits(from_float(x)) {}
  template <std::integral I> explicit f16_t(I x) : f16_t(static_cast<double>(x)) {}
  operator float() const { return to_float(bits); }

 private:
  // Scaling by powers of two lets the float unit do the rounding and the subnormals.
  static uint16_t from_float(float x) {
    const uint32_t w = std::bit_cast<uint32_t>(x), sign = w >> 16 & 0x8000, magnitude = w & 0x7fffffff;
    if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00);
    if (magnitude >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);  // 65520 and above round to infinity
    if (magnitude < 0x38800000)                                               // below 2^-14: a multiple of 2^-24
      return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000));
    return static_cast<uint16_t>(sign | ((magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13));
  }
  static float to_float(uint16_t h) {
    const uint32_t sign = (h & 0x8000u) << 16, magnitude = h & 0x7fffu;
    if (magnitude >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    if (magnitude < 0x400) return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(static_cast<float>(magnitude) * 0x1p-24f));
    return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000));
  }
};

/// bfloat16: the upper half of a float.
struct bf16_t {
  using format = FloatFormat<8, 7, 127, Special::ieee>;
  uint16_t bits;
  bf16_t() = default;
  explicit bf16_t(double x, bool saturate = false) : bits(static_cast<uint16_t>(encode_float<format>(x, saturate))) {}
  explicit bf16_t(float x) {
    const uint32_t w = std::bit_cast<uint32_t>(x);
    bits = static_cast<uint16_t>(x != x ? w >> 16 | 0x40 : (w + 0x7fff + (w >> 16 & 1)) >> 16);
  }
  template <std::integral I> explicit bf16_t(I x) : bf16_t(static_cast<double>(x)) {}
  operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
};

/// An 8-bit (or narrower, one to a byte) float. Made from a number it saturates, as ONNX's Cast does by default.
template <class F>
struct minifloat_t {
  using format = F;
  uint8_t bits;
  minifloat_t() = default;
  explicit minifloat_t(double x, bool saturate = true) : bits(static_cast<uint8_t>(encode_float<F>(x, saturate))) {}
  operator float() const { return table()[bits]; }

 private:
  static const std::array<float, 256>& table() {
    static const std::array<float, 256> values = [] {
      std::array<float, 256> t{};
      for (uint32_t i = 0; i < 256; ++i) t[i] = decode_float<F>(i & (F::sign | F::all_ones));
      return t;
    }();
    return values;
  }
};
using f8e4m3fn_t = minifloat_t<FloatFormat<4, 3, 7, Special::nan_only>>;
using f8e4m3fnuz_t = minifloat_t<FloatFormat<4, 3, 8, Special::nan_is_minus_zero>>;
using f8e5m2_t = minifloat_t<FloatFormat<5, 2, 15, Special::ieee>>;
using f8e5m2fnuz_t = minifloat_t<FloatFormat<5, 2, 16, Special::nan_is_minus_zero>>;
/// Four bits; this type is the unpacked form, one to a byte (see Unpacked in raw.hpp).
using f4e2m1_t = minifloat_t<FloatFormat<2, 1, 1, Special::none>>;

/// Powers of two, 2^(bits - 127); 255 is NaN. No sign, no zero.
struct f8e8m0_t {
  enum class Round { up, down, nearest };
  uint8_t bits;
  f8e8m0_t() = default;
  /// `up` is ONNX's default: to the next power of two away from zero. Zero and below give the smallest; NaN and infinity NaN.
  explicit f8e8m0_t(double x, bool saturate = true, Round round = Round::up) {
    x = std::fabs(x);
    if (std::isnan(x) || std::isinf(x)) {
      bits = std::isinf(x) && saturate ? 254 : 255;
      return;
    }
    int e = 0;
    const double m = x > 0 ? std::frexp(x, &e) : 0.5;  // x = m * 2^e, 0.5 <= m < 1
    int power = x > 0 ? e - 1 : -127;
    if (m > 0.5 && (round == Round::up || (round == Round::nearest && m >= 0.75))) ++power;
    if (power > 127) bits = saturate ? 254 : 255;
    else bits = static_cast<uint8_t>(power < -127 ? 0 : power + 127);
  }
  operator float() const {
    return bits == 255 ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.0f, static_cast<int>(bits) - 127);
  }
};

template <class T> inline constexpr bool is_minifloat = false;
template <class F> inline constexpr bool is_minifloat<minifloat_t<F>> = true;
template <> inline constexpr bool is_minifloat<f8e8m0_t> = true;
/// f16, bf16 and the 8-bit floats: stored narrow, computed in float.
template <class T> inline constexpr bool is_narrow_float = is_minifloat<T> || std::is_same_v<T, f16_t> || std::is_same_v<T, bf16_t>;
template <class T> inline constexpr bool is_real = is_narrow_float<T> || std::is_floating_point_v<T>;
/// The type a kernel computes in.
template <class T> using compute_t = std::conditional_t<is_narrow_float<T>, float, T>;
/// The type in which sums are kept: double for every float, int64 / uint64 for integers (so wrapping is that of two's complement).
template <class T>
using accumulate_t = std::conditional_t<is_real<T>, double, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;

/// Integer from a float: truncated toward zero, clamped to To's range, NaN is 0.
template <class To>
To saturate_to_int(double x) {
  if (x != x) return 0;
  // 2^(digits) is exact in a double, the largest value of a 64-bit type is not.
  const double above = std::ldexp(1.0, std::numeric_limits<To>::digits);
  if (x >= above) return std::numeric_limits<To>::max();
  if (x <= static_cast<double>(std::numeric_limits<To>::lowest())) return std::numeric_limits<To>::lowest();
  return static_cast<To>(x);
}

/// One element converted as the operator Cast does: float to integer saturates, integer to narrower integer wraps, anything
/// to bool is "not zero", to a narrower float rounds once.
template <class To, class From>
To convert(From x) {
  using C = compute_t<From>;
  const C v = static_cast<C>(x);
  if constexpr (std::is_same_v<To, From>) return x;
  else if constexpr (std::is_same_v<To, bool>) return v != C(0);
  else if constexpr (is_narrow_float<To>) {
    if constexpr (std::is_same_v<C, float> && !is_minifloat<To>) return To(v);
    else return To(static_cast<double>(v));
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<C>) return saturate_to_int<To>(static_cast<double>(v));
  else return static_cast<To>(v);
}

}  // namespace tenon::ops
