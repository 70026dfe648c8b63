// SPDX-License-Identifier: Apache-2.0
// fixed16.hpp - 16-bit fixed-point arithmetic, and logistic, tanh and exp in it, as integer LSTMs and LOGISTIC and TANH of 16-bit
// tensors compute them: range reduction to (-1/4, 0], a Taylor polynomial of degree 4 around -1/8, and Newton's iteration for 1/x.
// A number with b integer bits and raw value r is r * 2^(b - 15).
#pragma once
#include <tenon/fixed_point.hpp>

namespace tenon::tflite {

inline int16_t saturate16(int64_t v) { return static_cast<int16_t>(std::clamp<int64_t>(v, INT16_MIN, INT16_MAX)); }

/// High 16 bits of 2 * a * b, rounded to nearest.
int16_t doubling_high_multiply16(int16_t a, int16_t b);

/// logistic(x) with 0 integer bits for x with 3.
int16_t fixed_logistic(int16_t x);

/// tanh(x) with 0 integer bits for x with `integer_bits`, 0 to 6.
int16_t fixed_tanh(int16_t x, int integer_bits);

/// logistic(x), scale 2^-15, by interpolation in a table of 256 entries; x * multiplier / 2^shift has scale 1 / (3 * 4096).
int16_t table_logistic(int16_t x, int32_t multiplier, int shift);

/// tanh(x), scale 2^-15, by interpolation in the same table; x is scaled in the same way.
int16_t table_tanh(int16_t x, int32_t multiplier, int shift);

}  // namespace tenon::tflite
