// SPDX-License-Identifier: Apache-2.0
#include "float_form.hpp"

namespace tenon::tflite::quantized {
namespace {

tenon_value quantize_by(Build& b, tenon_value x, float scale, const Affine& a) {
  return b.emit("QuantizeLinear", {x, b.scalar(scale), b.integer(a.type, a.one_zero())}, AttrList{}.set("rounding", "half_away"));
}

}  // namespace

tenon_value dequantized(Build& b, tenon_value q, const Affine& a) { return b.emit("DequantizeLinear", {q, b.scalar(a.one_scale()), b.integer(a.type, a.one_zero())}); }
tenon_value rounded(Build& b, tenon_value x, const Affine& a) { return quantize_by(b, x, 1.0f, a); }
tenon_value quantize(Build& b, tenon_value x, const Affine& a) { return quantize_by(b, x, a.one_scale(), a); }

}  // namespace tenon::tflite::quantized
