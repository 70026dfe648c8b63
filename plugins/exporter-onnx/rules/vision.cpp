// SPDX-License-Identifier: Apache-2.0
// vision.cpp - resizing, sampling and boxes.
#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

/// Scales or sizes for all axes, from those for some; `of_x` gives what the other axes have.
Value for_all_axes(Emit& e, Value v, const std::vector<int64_t>& axes, Value of_x) {
  return e.op("ScatterElements", {of_x, e.ints(axes), v});
}

// Axes, antialiasing and the kept aspect ratio came with opset 18.
void resize_some_axes(Emit& e, Values& in) {
  if (e.i("antialias") != 0 || e.s("keep_aspect_ratio_policy", "stretch") != "stretch") e.need_opset(18);
  const tenon_attr* given = e.find("axes");
  if (!given || given->count == 0) return;
  if (in[1]) throw unsupported("a region of some axes only").with("hint", "choose option \"opset\": 18 or above");
  std::vector<int64_t> axes;
  for (uint64_t k = 0; k < given->count; ++k) axes.push_back(e.axis(in[0], given->v.ints[k]));
  const std::vector<double> ones(static_cast<size_t>(e.known_rank(in[0], "the input")), 1);
  if (in[2]) in[2] = for_all_axes(e, in[2], axes, e.numbers(dt::f32, {static_cast<int64_t>(ones.size())}, ones));
  if (in[3]) in[3] = for_all_axes(e, in[3], axes, e.shape(in[0]));
}

/// Constant scales or sizes of some axes become those of all where that changes nothing: engines know this form best.
void spread_over_axes(Emit& e, AttrList& a, Values& in) {
  const tenon_attr* given = e.find("axes");
  const ValueInfo x = e.info(in[0]);
  const auto sizes = e.constant_ints(in[3]);
  const auto scales = e.constant_numbers(in[2]);
  if (!given || given->count == 0) return;
  if (in[1] || !x.is_static() || (!sizes && !scales) || e.s("keep_aspect_ratio_policy", "stretch") != "stretch") {
    a.copy(*given);
    return;
  }
  std::vector<int64_t> whole_sizes(x.dims().begin(), x.dims().end());
  std::vector<double> whole_scales(whole_sizes.size(), 1);
  for (uint64_t k = 0; k < given->count; ++k) {
    const auto at = static_cast<size_t>(e.axis(in[0], given->v.ints[k]));
    if (sizes) whole_sizes.at(at) = sizes->at(k);
    else whole_scales.at(at) = scales->at(k);
  }
  if (sizes) in[3] = e.ints(whole_sizes);
  else in[2] = e.numbers(dt::f32, {static_cast<int64_t>(whole_scales.size())}, whole_scales);
}

void resize(Emit& e) {
  AttrList a = e.copied({"mode", "coordinate_transformation_mode", "nearest_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value"});
  Values in = {e.in(0), e.in(1), e.in(2), e.in(3)};
  if (e.s("coordinate_transformation_mode") == "half_pixel_symmetric") e.need_opset(19);
  if (e.opset() < 18) {
    resize_some_axes(e, in);
  } else {
    spread_over_axes(e, a, in);
    for (const char* name : {"antialias", "keep_aspect_ratio_policy"})
      if (const tenon_attr* x = e.find(name)) a.copy(*x);
  }
  e.to("Resize", in, a);
}
ONNX_RULE("Resize", resize);

// Opset 20 renamed bilinear and bicubic.
void grid_sample(Emit& e) {
  e.need_opset(16);
  AttrList a = e.copied({"align_corners", "padding_mode"});
  std::string mode = e.s("mode", "linear");
  if (e.opset() < 20 && mode != "nearest") mode = "bi" + mode;
  a.add("mode", mode);
  e.to("GridSample", {e.in(0), e.in(1)}, a);
}
ONNX_RULE("GridSample", grid_sample);

void non_max_suppression(Emit& e) { e.same("NonMaxSuppression", {"center_point_box"}); }
ONNX_RULE("NonMaxSuppression", non_max_suppression);

// Before opset 16 samples lay at output_half_pixel.
void roi_align(Emit& e) {
  AttrList a = e.copied({"mode", "output_height", "output_width", "sampling_ratio", "spatial_scale"});
  const std::string where = e.s("coordinate_transformation_mode", "half_pixel");
  if (e.opset() >= 16) a.add("coordinate_transformation_mode", where);
  else if (where != "output_half_pixel") e.need_opset(16);
  e.to("RoiAlign", {e.in(0), e.in(1), e.in(2)}, a);
}
ONNX_RULE("RoiAlign", roi_align);

void roi_pool(Emit& e) { e.same("MaxRoiPool", {"pooled_shape", "spatial_scale"}); }
ONNX_RULE("RoiPool", roi_pool);

}  // namespace
}  // namespace tenon::to_onnx
