// SPDX-License-Identifier: Apache-2.0
// numbers.hpp - elements of any numeric type as double, and back, rounded once to nearest even.
#pragma once
#include <cstdint>
#include <tenon/dtype.hpp>

namespace tenon::core {

/// Element i of a dense tensor. Complex: part 2*i is real, 2*i + 1 imaginary. 64-bit integers above 2^53 are rounded.
double number_at(const uint8_t* data, tenon_dtype t, int64_t i);
/// Writes element i; integers are truncated towards zero and must be in range.
void set_number(uint8_t* data, tenon_dtype t, int64_t i, double x);

/// Layout of a binary float narrower than 32 bits.
struct FloatFormat {
  int exponent_bits = 0, mantissa_bits = 0, bias = 0;
  enum class Special { ieee, nan_all_ones, nan_negative_zero, none, scale } special = Special::ieee;
};
/// Format of f16, bf16 and the 8-bit and narrower floats.
FloatFormat float_format(tenon_dtype t);
double decode_float(uint32_t bits, const FloatFormat& f);
/// Overflow gives infinity where the format has it, else the largest finite value.
uint32_t encode_float(double x, const FloatFormat& f);

}  // namespace tenon::core
