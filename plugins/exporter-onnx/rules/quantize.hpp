// SPDX-License-Identifier: Apache-2.0
// quantize.hpp - arithmetic of whole numbers and scales in ONNX's terms.
#pragma once
#include "emit.hpp"

namespace tenon::to_onnx {

/// Lowest and highest number of an integer type of at most 32 bits.
std::pair<int64_t, int64_t> int_limits(tenon_dtype t);
/// A scale or zero point as it broadcasts to x: one number, or one for each position of an axis.
Value along_axis(Emit& e, Value v, Value x, int64_t axis);
/// x rounded to a whole number, halves away from zero; `type` is its element type. |x| + 0.5 would round wrongly just below a half.
Value round_half_away(Emit& e, Value x, tenon_dtype type);

}  // namespace tenon::to_onnx
