// SPDX-License-Identifier: Apache-2.0
// float_form.hpp - quantized operators that are computed in float, between the scales of their tensors.
#pragma once
#include "build.hpp"

namespace tenon::tflite::quantized {

/// scale * (q - zero_point) in f32.
tenon_value dequantized(Build& b, tenon_value q, const Affine& a);
/// round(x) + zero_point, clamped to the type; halves away from zero.
tenon_value rounded(Build& b, tenon_value x, const Affine& a);
/// round(x / scale) + zero_point, clamped to the type.
tenon_value quantize(Build& b, tenon_value x, const Affine& a);

template <class F>
tenon_value as_float(Build& b, tenon_value q, const Affine& in, const Affine& out, F&& f) {
  return quantize(b, f(dequantized(b, q, in)), out);
}

}  // namespace tenon::tflite::quantized
