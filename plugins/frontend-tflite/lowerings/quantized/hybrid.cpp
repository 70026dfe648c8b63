// SPDX-License-Identifier: Apache-2.0
#include "hybrid.hpp"

#include <cmath>

#include "image.hpp"
#include "options.hpp"

namespace tenon::tflite::quantized {
namespace {

tenon_value reduced(Build& b, std::string_view op, tenon_value x, const std::vector<int64_t>& axes) {
  return b.emit(op, {x, b.ints(axes)}, AttrList{}.set("keepdims", 1));
}

/// round(x), halves away from zero, cut to 8 bits; NaN, as an all-zero row makes it, is 0.
tenon_value to_i8(Build& b, tenon_value x) {
  return b.emit("QuantizeLinear", {x, b.scalar(1.0f), b.integer(dt::i8, 0)}, AttrList{}.set("rounding", "half_away"));
}

DynamicRows symmetric_rows(Build& b, tenon_value x, const std::vector<int64_t>& axes) {
  const tenon_value most = reduced(b, "ReduceMax", b.emit("Abs", {x}), axes);
  const tenon_value q = to_i8(b, b.emit("Mul", {x, b.emit("Div", {b.scalar(127.0f), most})}));
  return {q, b.emit("Div", {most, b.scalar(127.0f)}), 0};
}

DynamicRows asymmetric_rows(Build& b, tenon_value x, const std::vector<int64_t>& axes) {
  const tenon_value low = b.emit("Minimum", {reduced(b, "ReduceMin", x, axes), b.scalar(0.0f)});
  const tenon_value high = b.emit("Maximum", {reduced(b, "ReduceMax", x, axes), b.scalar(0.0f)});
  const tenon_value scale = b.emit("Div", {b.emit("Sub", {high, low}), b.scalar(255.0f)});
  const tenon_value zero = to_i8(b, b.emit("Sub", {b.scalar(-128.0f), b.emit("Div", {low, scale})}));
  const tenon_value inverse = b.emit("Reciprocal", {scale});
  const tenon_value q = to_i8(b, b.emit("Add", {b.cast(zero, dt::f32), b.emit("Mul", {x, inverse})}));
  return {q, scale, zero};
}

/// Scales of the weights, shaped so that they lie along dimension `axis` of `rank`.
tenon_value weight_scales(Build& b, const Affine& w, int64_t behind) {
  if (!w.per_axis()) return b.scalar(w.one_scale());
  Dims shape{static_cast<int64_t>(w.scale.size())};
  for (int64_t k = 0; k < behind; ++k) shape.push_back(1);
  return b.constant(shape, w.scale);
}

}  // namespace

DynamicRows quantize_rows(Build& b, tenon_value x, const std::vector<int64_t>& axes, bool asymmetric) { return asymmetric ? asymmetric_rows(b, x, axes) : symmetric_rows(b, x, axes); }

tenon_value hybrid_matmul(Build& b, tenon_value x, tenon_value w, const Affine& weights, bool asymmetric) {
  const DynamicRows rows = quantize_rows(b, x, {-1}, asymmetric);
  Values in{rows.q, w, rows.zero, weights.per_axis() ? 0 : zero_point(b, weights, b.info(w).type() == dt::none ? weights.type : b.info(w).type())};
  while (!in.back()) in.pop_back();
  const tenon_value sums = b.cast(b.emit("MatMulInteger", in), dt::f32);
  const tenon_value scale = b.emit("Mul", {rows.scale, weight_scales(b, weights, 0)});
  return b.emit("Mul", {sums, scale});
}

tenon_value hybrid_convolution(Build& b, Lower& l, const Product& p, tenon_value w, AttrList attributes, bool depthwise) {
  const DynamicRows rows = quantize_rows(b, to_channels_first(b, l.in(0)), {1, 2, 3}, depthwise || p.w.per_axis());
  const tenon_value whole = b.cast(rows.q, dt::f32), x = rows.zero ? b.emit("Sub", {whole, b.cast(rows.zero, dt::f32)}) : whole;
  tenon_value weights = b.cast(w, dt::f32);
  if (!p.w.per_axis() && p.w.one_zero()) weights = b.emit("Sub", {weights, b.scalar(static_cast<float>(p.w.one_zero()))});
  const tenon_value sums = b.emit("Conv", {x, weights}, attributes);
  tenon_value y = b.emit("Mul", {sums, b.emit("Mul", {rows.scale, weight_scales(b, p.w, 2)})});
  if (l.has_in(2)) y = b.emit("Add", {y, b.reshape(l.in(2), {-1, 1, 1})});
  return to_channels_last(b, activated(b, y, activation(l)));
}

tenon_value activated(Build& b, tenon_value x, std::string_view activation) {
  auto clip = [&](float low, float high) { return b.emit("Clip", {x, b.scalar(low), b.scalar(high)}); };
  if (activation.empty() || activation == "NONE") return x;
  if (activation == "RELU") return b.emit("Relu", {x});
  if (activation == "RELU6") return clip(0, 6);
  if (activation == "RELU_N1_TO_1") return clip(-1, 1);
  if (activation == "TANH") return b.emit("Tanh", {x});
  if (activation == "SIGMOID") return b.emit("Sigmoid", {x});
  throw unsupported("this fused activation is not known").with("found", std::string(activation)).with("expected", "NONE, RELU, RELU6, RELU_N1_TO_1, TANH or SIGMOID");
}

}  // namespace tenon::tflite::quantized
