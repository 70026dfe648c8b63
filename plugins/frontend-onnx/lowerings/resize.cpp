// SPDX-License-Identifier: Apache-2.0
// resize.cpp - Resize and its forerunner Upsample.
#include "common.hpp"

namespace tenon::onnx {
namespace {

// What Upsample and Resize of opset 10 mean in the newer operator's terms.
AttrList asymmetric(const std::string& mode, const char* nearest) {
  AttrList a;
  a.add("mode", mode).add("coordinate_transformation_mode", "asymmetric").add("nearest_mode", nearest);
  return a;
}

std::string old_mode(const Lower& l) {
  std::string mode = l.s("mode", "nearest");
  if (mode == "bilinear") mode = "linear";  // its name in opset 1
  if (mode != "nearest" && mode != "linear") throw invalid("attribute 'mode' has the value '" + mode + "'").with("expected", "nearest or linear");
  return mode;
}

// Does a constant of scales have one below, or one above 1? Both when it is no constant.
struct Directions {
  bool down = true, up = true;
};
Directions directions(Lower& l, tenon_value scales) {
  if (!l.graph().is_constant(scales) || l.info(scales).type() != dt::f32) return {};
  auto bytes = l.graph().constant_bytes(scales);
  Directions d{false, false};
  for (uint64_t i = 0; i + 4 <= bytes.size(); i += 4) {
    float s;
    std::memcpy(&s, bytes.data() + i, 4);
    d.down = d.down || s < 1;
    d.up = d.up || s > 1;
  }
  return d;
}

// The nearest pixel is the lower one when growing and the upper one when shrinking, so an axis of each kind needs two steps.
void scaled(Lower& l, tenon_value x, tenon_value scales) {
  std::string mode = old_mode(l);
  Directions d = directions(l, scales);
  if (mode == "linear" || !d.down) return l.to("Resize", {x, 0, scales}, asymmetric(mode, "floor"));
  if (!d.up) return l.to("Resize", {x, 0, scales}, asymmetric(mode, "ceil"));
  tenon_value one = l.scalar<float>(1);
  tenon_value small = l.emit("Resize", {x, 0, l.emit("Minimum", {scales, one})}, asymmetric(mode, "ceil"));
  l.to("Resize", {small, 0, l.emit("Maximum", {scales, one})}, asymmetric(mode, "floor"));
}

void lower_upsample_1(Lower& l) {
  known(l, {"height_scale", "mode", "width_scale"});
  arity(l, 1, 1);
  if (!l.has("height_scale") || !l.has("width_scale")) throw invalid("attributes 'height_scale' and 'width_scale' must be given");
  const float scales[] = {1, 1, static_cast<float>(l.f("height_scale")), static_cast<float>(l.f("width_scale"))};
  scaled(l, need(l, 0), l.graph().add_constant<float>("", Dims{4}, scales));
}
TENON_LOWERING("onnx", "Upsample", 1, lower_upsample_1);

void lower_upsample_attribute(Lower& l) {
  known(l, {"mode", "scales"});
  arity(l, 1, 1);
  if (!l.has("scales")) throw invalid("attribute 'scales' is missing");
  std::vector<float> scales;
  for (double s : l.floats("scales")) scales.push_back(static_cast<float>(s));
  Dims n{static_cast<int64_t>(scales.size())};
  scaled(l, need(l, 0), l.graph().add_constant<float>("", n, scales.data()));
}
TENON_LOWERING("onnx", "Upsample", 7, lower_upsample_attribute);

void lower_scales(Lower& l) {
  known(l, {"mode"});
  arity(l, 2, 2);
  scaled(l, need(l, 0), need(l, 1));
}
TENON_LOWERING("onnx", "Upsample", 9, lower_scales);
TENON_LOWERING("onnx", "Resize", 10, lower_scales);

// Opsets 11 and 12 give an input that does not count as an empty tensor.
tenon_value unless_empty(const Lower& l, uint64_t k) {
  if (!l.has_in(k)) return 0;
  auto i = l.info(l.in(k));
  return i.rank() == 1 && i.dim(0) == 0 ? 0 : l.in(k);
}

void lower_resize(Lower& l) {
  known(l, {"antialias", "axes", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value", "keep_aspect_ratio_policy", "mode", "nearest_mode"});
  arity(l, 1, 4);
  AttrList a;
  a.add("mode", l.s("mode", "nearest"));
  a.add("coordinate_transformation_mode", l.s("coordinate_transformation_mode", "half_pixel"));
  a.add("nearest_mode", l.s("nearest_mode", "round_prefer_floor"));
  a.add("cubic_coeff_a", l.f("cubic_coeff_a", -0.75)).add("exclude_outside", l.i("exclude_outside", 0)).add("extrapolation_value", l.f("extrapolation_value", 0));
  for (const char* name : {"antialias", "axes", "keep_aspect_ratio_policy"})
    if (const tenon_attr* x = l.find(name)) a.copy(*x);
  Values in{need(l, 0), unless_empty(l, 1), unless_empty(l, 2), unless_empty(l, 3)};
  if (l.s("coordinate_transformation_mode") != "tf_crop_and_resize") in[1] = 0;
  if (!in[2] == !in[3]) throw invalid("one of the inputs 'scales' and 'sizes' must be given");
  while (!in.back()) in.pop_back();
  l.to("Resize", in, a);
}
TENON_LOWERING("onnx", "Resize", 11, lower_resize);

}  // namespace
}  // namespace tenon::onnx
