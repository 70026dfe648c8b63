// SPDX-License-Identifier: Apache-2.0
// scalar.hpp - the number that a constant of one element holds.
#pragma once
#include <cmath>
#include <limits>
#include <optional>

#include "graph.hpp"

TENON_NAMESPACE_BEGIN

/// IEEE half to double, exactly.
inline double from_half(uint16_t h) {
  const int exponent = h >> 10 & 31, fraction = h & 1023;
  const double sign = h & 0x8000 ? -1 : 1;
  if (exponent == 31) return fraction ? std::numeric_limits<double>::quiet_NaN() : sign * HUGE_VAL;
  return sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
}

/// The value of a constant with one element of a floating-point or integer type of at most 64 bits.
inline std::optional<double> scalar(const Graph& g, tenon_value v) {
  if (!v) return std::nullopt;
  const ValueInfo i = g.info(v);
  if (!i.constant() || i.count() != 1) return std::nullopt;
  const uint8_t* p = g.constant_bytes(v).data();
  auto as = [p](auto x) {
    std::memcpy(&x, p, sizeof x);
    return x;
  };
  const tenon_dtype t = i.type();
  if (t == dt::f32) return as(float{});
  if (t == dt::f64) return as(double{});
  if (t == dt::f16) return from_half(as(uint16_t{}));
  if (t == dt::i64) return static_cast<double>(as(int64_t{}));
  if (t == dt::i32) return as(int32_t{});
  if (t == dt::i8) return as(int8_t{});
  if (t == dt::u8) return as(uint8_t{});
  return std::nullopt;
}

TENON_NAMESPACE_END
