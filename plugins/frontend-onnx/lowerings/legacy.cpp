// SPDX-License-Identifier: Apache-2.0
// legacy.cpp - experimental operators that the first opsets had and converters of that time wrote.
#include "common.hpp"

namespace tenon::onnx {
namespace {

// The constants have the type of the node's input.
tenon_value times(Lower& l, tenon_value v, double factor) { return l.emit("Mul", {v, scalar_like(l, l.in(0), factor)}); }
tenon_value plus(Lower& l, tenon_value v, double term) { return l.emit("Add", {v, scalar_like(l, l.in(0), term)}); }

tenon_value only_input(Lower& l, std::initializer_list<std::string_view> attrs) {
  known(l, attrs);
  arity(l, 1, 1);
  return need(l, 0);
}

void lower_affine(Lower& l) {
  tenon_value x = only_input(l, {"alpha", "beta"});
  l.done({plus(l, times(l, x, l.f("alpha", 1)), l.f("beta", 0))});
}
TENON_LOWERING("onnx", "Affine", 1, lower_affine);

void lower_scale(Lower& l) {
  tenon_value x = only_input(l, {"scale"});
  l.done({times(l, x, l.f("scale", 1))});
}
TENON_LOWERING("onnx", "Scale", 1, lower_scale);

void lower_scaled_tanh(Lower& l) {
  tenon_value x = only_input(l, {"alpha", "beta"});
  l.done({times(l, l.emit("Tanh", {times(l, x, l.f("beta", 1))}), l.f("alpha", 1))});
}
TENON_LOWERING("onnx", "ScaledTanh", 1, lower_scaled_tanh);

void lower_parametric_softplus(Lower& l) {
  tenon_value x = only_input(l, {"alpha", "beta"});
  l.done({times(l, l.emit("Softplus", {times(l, x, l.f("beta", 1))}), l.f("alpha", 1))});
}
TENON_LOWERING("onnx", "ParametricSoftplus", 1, lower_parametric_softplus);

// scale * x + bias of the channel
void lower_image_scaler(Lower& l) {
  tenon_value x = only_input(l, {"bias", "scale"});
  std::vector<float> bias;
  for (double b : l.floats("bias")) bias.push_back(static_cast<float>(b));
  tenon_value y = times(l, x, l.f("scale", 1));
  if (bias.empty()) return l.done({y});
  tenon_value b = l.graph().add_constant<float>("", Dims{static_cast<int64_t>(bias.size()), 1, 1}, bias.data());
  l.to("Add", {y, cast(l, b, type_of(l, x, "the bias"))});
}
TENON_LOWERING("onnx", "ImageScaler", 1, lower_image_scaler);

// border is left, top, right, bottom; with scale, height and width are cut at left and top instead
void lower_crop(Lower& l) {
  tenon_value x = only_input(l, {"border", "scale"});
  std::vector<int64_t> border = attr_ints(l, "border"), size = attr_ints(l, "scale");
  if (border.size() != 4 || (!size.empty() && size.size() != 2)) throw invalid("attribute 'border' needs four entries and 'scale' two");
  tenon_value from = l.ints({border[1], border[0]});
  tenon_value to = size.empty() ? l.emit("Sub", {l.emit("Shape", {x}, AttrList{}.set("start", 2)), l.ints({border[3], border[2]})}) : l.ints({border[1] + size[0], border[0] + size[1]});
  l.to("Slice", {x, from, to, l.ints({2, 3})});
}
TENON_LOWERING("onnx", "Crop", 1, lower_crop);

}  // namespace
}  // namespace tenon::onnx
