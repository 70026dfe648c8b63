// SPDX-License-Identifier: Apache-2.0
// elementwise_simd.hpp - vectorized elementwise functions, for the best instruction set of this machine.
#pragma once
#include <cstddef>
#include <cstdint>

#include "../activation.hpp"

namespace tenon::cpu {

/// y = kind(x, o), o being the other operand. rsub: o - x; rdiv: o / x; prelu: x < 0 ? o * x : x.
enum class Binary : uint8_t { add, sub, rsub, mul, div, rdiv, max, min, prelu, pow, rpow };

/// y may be x. Within a few units in the last place of the exact result; NaN gives NaN.
void apply_unary(const Activation& f, const float* x, float* y, size_t n);
/// With `scalar`, o is one element. y may be x or o.
void apply_binary(Binary kind, bool scalar, const float* x, const float* o, float* y, size_t n);

/// y = exp(x - shift); returns the sum of y. For softmax.
float exp_sum(const float* x, float shift, float* y, size_t n);
float max_of(const float* x, size_t n);
float sum_of(const float* x, size_t n);
/// Sum of (x - shift)^2.
float square_sum(const float* x, float shift, size_t n);
/// y = x * scale + shift, and with gain or bias (may be NULL) y = y * gain[i] + bias[i].
void scale_shift(const float* x, float scale, float shift, const float* gain, const float* bias, float* y, size_t n);
/// y = clamp(round(x / scale) + zero_point), halves to even or away from zero.
void quantize_u8(const float* x, float scale, float zero_point, bool away, uint8_t* y, size_t n);
void quantize_i8(const float* x, float scale, float zero_point, bool away, int8_t* y, size_t n);
/// y = a + (b - a) * share.
void lerp(const float* a, const float* b, float share, float* y, size_t n);
/// acc[i] = max(acc[i], x[i]) or acc[i] + x[i].
void accumulate(bool maximum, const float* x, float* acc, size_t n);

}  // namespace tenon::cpu
