// SPDX-License-Identifier: Apache-2.0
#include "numbers.hpp"

#include <cmath>
#include <cstring>
#include <limits>

namespace tenon::core {
namespace {

using Special = FloatFormat::Special;

template <class T> double load(const uint8_t* p, int64_t i) {
  T v;
  std::memcpy(&v, p + static_cast<size_t>(i) * sizeof(T), sizeof(T));
  return static_cast<double>(v);
}
template <class T> void store(uint8_t* p, int64_t i, T v) { std::memcpy(p + static_cast<size_t>(i) * sizeof(T), &v, sizeof(T)); }

uint32_t narrow_bits(const uint8_t* data, tenon_dtype t, int64_t i) {
  if (t.bits == 16) {
    uint16_t v;
    std::memcpy(&v, data + 2 * i, 2);
    return v;
  }
  if (t.bits == 8) return data[i];
  int per = 8 / t.bits;
  return data[i / per] >> (i % per * t.bits) & ((1u << t.bits) - 1);
}
void set_narrow_bits(uint8_t* data, tenon_dtype t, int64_t i, uint32_t v) {
  if (t.bits >= 8) {
    std::memcpy(data + i * (t.bits / 8), &v, t.bits / 8u);
    return;
  }
  int per = 8 / t.bits, shift = static_cast<int>(i % per) * t.bits;
  uint32_t mask = (1u << t.bits) - 1;
  data[i / per] = static_cast<uint8_t>((data[i / per] & ~(mask << shift)) | (v & mask) << shift);
}

double narrow_int(const uint8_t* data, tenon_dtype t, int64_t i) {
  auto v = static_cast<int32_t>(narrow_bits(data, t, i));
  return t.code == TENON_DT_INT && v >= 1 << (t.bits - 1) ? v - (1 << t.bits) : v;
}

double integer_at(const uint8_t* data, tenon_dtype t, int64_t i) {
  bool s = t.code == TENON_DT_INT;
  switch (t.bits) {
    case 64: return s ? load<int64_t>(data, i) : load<uint64_t>(data, i);
    case 32: return s ? load<int32_t>(data, i) : load<uint32_t>(data, i);
    default: return narrow_int(data, t, i);
  }
}

void set_integer(uint8_t* data, tenon_dtype t, int64_t i, double x) {
  bool s = t.code == TENON_DT_INT;
  if (t.bits == 64) return s ? store(data, i, static_cast<int64_t>(x)) : store(data, i, static_cast<uint64_t>(x));
  auto v = static_cast<int64_t>(x);
  if (t.bits == 32) return store(data, i, static_cast<uint32_t>(v));
  set_narrow_bits(data, t, i, static_cast<uint32_t>(v));
}

uint32_t largest(const FloatFormat& f) {
  uint32_t all = (1u << (f.exponent_bits + f.mantissa_bits)) - 1;
  if (f.special == Special::ieee) return all - (1u << f.mantissa_bits);
  return f.special == Special::nan_all_ones ? all - 1 : all;
}
uint32_t nan_bits(const FloatFormat& f) {
  uint32_t sign = 1u << (f.exponent_bits + f.mantissa_bits);
  if (f.special == Special::ieee) return (sign - 1) - ((1u << f.mantissa_bits) - 1) + (1u << (f.mantissa_bits - 1));
  if (f.special == Special::nan_negative_zero) return sign;
  return f.special == Special::none ? 0 : sign - 1;
}

uint32_t encode_scale(double x) {
  if (std::isnan(x)) return 0xff;
  if (!(x > 0)) return 0;
  double e = std::nearbyint(std::log2(x)) + 127;
  return static_cast<uint32_t>(e < 0 ? 0 : e > 254 ? 254 : e);
}

}  // namespace

FloatFormat float_format(tenon_dtype t) {
  if (t.code == TENON_DT_FLOAT) return {5, 10, 15, Special::ieee};
  if (t.code == TENON_DT_BFLOAT) return {8, 7, 127, Special::ieee};
  switch (t.flags & 0xffu) {
    case TENON_MF_E4M3FN: return {4, 3, 7, Special::nan_all_ones};
    case TENON_MF_E4M3FNUZ: return {4, 3, 8, Special::nan_negative_zero};
    case TENON_MF_E5M2: return {5, 2, 15, Special::ieee};
    case TENON_MF_E5M2FNUZ: return {5, 2, 16, Special::nan_negative_zero};
    case TENON_MF_E8M0: return {8, 0, 127, Special::scale};
    default: return {2, 1, 1, Special::none};
  }
}

double decode_float(uint32_t bits, const FloatFormat& f) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  if (f.special == Special::scale) return bits == 0xff ? nan : std::ldexp(1.0, static_cast<int>(bits) - 127);
  uint32_t m = bits & ((1u << f.mantissa_bits) - 1), e = bits >> f.mantissa_bits & ((1u << f.exponent_bits) - 1);
  uint32_t top = (1u << f.exponent_bits) - 1;
  bool negative = bits >> (f.exponent_bits + f.mantissa_bits) & 1;
  if (f.special == Special::nan_negative_zero && negative && !m && !e) return nan;
  if (f.special == Special::nan_all_ones && e == top && m == (1u << f.mantissa_bits) - 1) return nan;
  if (f.special == Special::ieee && e == top) return m ? nan : negative ? -HUGE_VAL : HUGE_VAL;
  double x = e ? std::ldexp(m + (1u << f.mantissa_bits), static_cast<int>(e) - f.bias - f.mantissa_bits) : std::ldexp(m, 1 - f.bias - f.mantissa_bits);
  return negative ? -x : x;
}

uint32_t encode_float(double x, const FloatFormat& f) {
  if (f.special == Special::scale) return encode_scale(x);
  if (std::isnan(x)) return nan_bits(f);
  uint32_t sign = std::signbit(x) ? 1u << (f.exponent_bits + f.mantissa_bits) : 0;
  double a = std::fabs(x);
  if (std::isinf(a)) return sign | (f.special == Special::ieee ? largest(f) + 1 : largest(f));
  int e = 0;
  std::frexp(a, &e);
  int unit = std::max(e - 1, 1 - f.bias) - f.mantissa_bits;
  // Counted in units of the last place, a carry out of the mantissa moves into the exponent by itself.
  auto steps = static_cast<uint64_t>(std::nearbyint(std::ldexp(a, -unit)));
  uint64_t bits = a == 0 ? 0 : steps + (static_cast<uint64_t>(unit + f.mantissa_bits + f.bias - 1) << f.mantissa_bits);
  if (bits > largest(f)) bits = f.special == Special::ieee ? largest(f) + 1 : largest(f);
  if (bits == 0 && f.special == Special::nan_negative_zero) return 0;
  return sign | static_cast<uint32_t>(bits);
}

double number_at(const uint8_t* data, tenon_dtype t, int64_t i) {
  if (t.code == TENON_DT_FLOAT && t.bits == 32) return load<float>(data, i);
  if (t.code == TENON_DT_FLOAT && t.bits == 64) return load<double>(data, i);
  if (t.code == TENON_DT_COMPLEX) return t.bits == 64 ? load<float>(data, i) : load<double>(data, i);
  if (t.code == TENON_DT_BOOL) return data[i] != 0;
  if (is_int(t)) return integer_at(data, t, i);
  return decode_float(narrow_bits(data, t, i), float_format(t));
}

void set_number(uint8_t* data, tenon_dtype t, int64_t i, double x) {
  if (t.code == TENON_DT_FLOAT && t.bits == 32) return store(data, i, static_cast<float>(x));
  if (t.code == TENON_DT_FLOAT && t.bits == 64) return store(data, i, x);
  if (t.code == TENON_DT_COMPLEX) return t.bits == 64 ? store(data, i, static_cast<float>(x)) : store(data, i, x);
  if (t.code == TENON_DT_BOOL) {
    data[i] = x != 0;
    return;
  }
  if (is_int(t)) return set_integer(data, t, i, x);
  set_narrow_bits(data, t, i, encode_float(x, float_format(t)));
}

}  // namespace tenon::core
