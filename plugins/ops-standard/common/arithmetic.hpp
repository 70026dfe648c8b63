// SPDX-License-Identifier: Apache-2.0
// arithmetic.hpp - arithmetic that is defined for every operand: integers wrap, division by zero gives 0.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace tenon::ops {

template <class T>
T wrap_add(T a, T b) {
  if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  else return a + b;
}
template <class T>
T wrap_sub(T a, T b) {
  if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
  else return a - b;
}
template <class T>
T wrap_mul(T a, T b) {
  if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  else return a * b;
}
template <class T>
T wrap_neg(T a) {
  return wrap_sub(T(0), a);
}

/// Quotient: truncated toward zero for integers, whose division by zero gives 0 and whose lowest / -1 wraps.
template <class T>
T divide(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>)
      if (b == -1) return wrap_neg(a);
    return static_cast<T>(a / b);
  } else {
    return a / b;
  }
}
/// Remainder with the sign of the dividend (C's %, fmod); integers by zero give 0.
template <class T>
T remainder_truncated(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>)
      if (b == -1) return 0;
    return static_cast<T>(a % b);
  } else {
    return std::fmod(a, b);
  }
}
/// Remainder with the sign of the divisor (Python's %).
template <class T>
T remainder_floored(T a, T b) {
  const T r = remainder_truncated(a, b);
  return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
}
/// Quotient rounded toward minus infinity.
template <class T>
T divide_floored(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return std::floor(a / b);
  else {
    const T q = divide(a, b), r = remainder_truncated(a, b);
    return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(q - 1) : q;
  }
}
/// a to the power of b by squaring, wrapping; a negative exponent gives the truncated quotient 1 / a^|b|.
template <class T>
T integer_power(T a, int64_t b) {
  if (b < 0) {
    if (a == T(1)) return 1;
    if constexpr (std::is_signed_v<T>)
      if (a == T(-1)) return b % 2 ? T(-1) : T(1);
    return 0;
  }
  T r = 1;
  for (; b; b >>= 1, a = wrap_mul(a, a))
    if (b & 1) r = wrap_mul(r, a);
  return r;
}
/// Larger operand; NaN when one is NaN.
template <class T>
T maximum(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a > b || a != a ? a : b;
  else return a > b ? a : b;
}
template <class T>
T minimum(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a < b || a != a ? a : b;
  else return a < b ? a : b;
}
/// 1 / (1 + exp(-x)) without overflow.
template <class T>
T sigmoid(T x) {
  const T e = std::exp(-std::fabs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

}  // namespace tenon::ops
