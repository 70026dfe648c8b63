// SPDX-License-Identifier: Apache-2.0
// vision.cpp - boxes, regions and sampling grids.
#include "common.hpp"

namespace tenon::onnx {
namespace {

void lower_nms(Lower& l) { same(l, "NonMaxSuppression", {"center_point_box"}, 2, 5); }
TENON_LOWERING("onnx", "NonMaxSuppression", 10, lower_nms);

// Before opset 16 there was one way of placing samples, later called output_half_pixel.
void roi_align(Lower& l, std::initializer_list<std::string_view> attrs, const char* coordinates) {
  known(l, attrs);
  arity(l, 3, 3);
  AttrList a = copied(l, {"mode", "output_height", "output_width", "sampling_ratio", "spatial_scale"});
  a.add("coordinate_transformation_mode", l.s("coordinate_transformation_mode", coordinates));
  l.to("RoiAlign", {need(l, 0), need(l, 1), need(l, 2)}, a);
}
void lower_roi_align_10(Lower& l) { roi_align(l, {"mode", "output_height", "output_width", "sampling_ratio", "spatial_scale"}, "output_half_pixel"); }
TENON_LOWERING("onnx", "RoiAlign", 10, lower_roi_align_10);
void lower_roi_align(Lower& l) {
  roi_align(l, {"coordinate_transformation_mode", "mode", "output_height", "output_width", "sampling_ratio", "spatial_scale"}, "half_pixel");
}
TENON_LOWERING("onnx", "RoiAlign", 16, lower_roi_align);

void lower_max_roi_pool(Lower& l) {
  known(l, {"pooled_shape", "spatial_scale"});
  arity(l, 2, 2);
  AttrList a = copied(l, {"pooled_shape", "spatial_scale"});
  a.add("mode", "max");
  l.to("RoiPool", {need(l, 0), need(l, 1)}, a);
}
TENON_LOWERING("onnx", "MaxRoiPool", 1, lower_max_roi_pool);

// Opset 20 renamed bilinear and bicubic.
void lower_grid_sample(Lower& l) {
  known(l, {"align_corners", "mode", "padding_mode"});
  arity(l, 2, 2);
  std::string mode = l.s("mode", "linear");
  if (mode == "bilinear") mode = "linear";
  if (mode == "bicubic") mode = "cubic";
  AttrList a = copied(l, {"align_corners", "padding_mode"});
  a.add("mode", mode);
  l.to("GridSample", {need(l, 0), need(l, 1)}, a);
}
TENON_LOWERING("onnx", "GridSample", 16, lower_grid_sample);

// Middle of sample k of n along an axis of [-1, 1], or k of n points from -1 to 1.
float place(int64_t k, int64_t n, bool corners) {
  if (corners) return n == 1 ? 0.0f : static_cast<float>(-1 + 2.0 * static_cast<double>(k) / static_cast<double>(n - 1));
  return static_cast<float>((2.0 * static_cast<double>(k) + 1) / static_cast<double>(n) - 1);
}

// Homogeneous coordinates (x, y[, z], 1) of each output point, times theta.
void lower_affine_grid(Lower& l) {
  known(l, {"align_corners"});
  arity(l, 2, 2);
  need(l, 0);
  std::vector<int64_t> size = l.const_ints(1);
  size_t n = size.size() - 2;
  int64_t points = 1;
  if (n != 2 && n != 3) throw invalid("input 'size' must have 4 or 5 elements");
  for (size_t k = 2; k < size.size(); ++k)
    if (size[k] <= 0 || __builtin_mul_overflow(points, size[k], &points) || points > 1 << 26) throw unsupported("a grid of this size is not supported");
  std::vector<float> base;
  for (int64_t p = 0; p < points; ++p) {
    int64_t rest = p;
    std::vector<float> at(n);
    for (size_t k = n; k-- > 0; rest /= size[k + 2]) at[n - 1 - k] = place(rest % size[k + 2], size[k + 2], l.i("align_corners", 0) != 0);
    base.insert(base.end(), at.begin(), at.end());
    base.push_back(1);
  }
  tenon_value grid = cast(l, l.graph().add_constant<float>("", Dims{1, points, static_cast<int64_t>(n) + 1}, base.data()), type_of(l, l.in(0), "the grid"));
  AttrList turn;
  turn.add("perm", std::vector<int64_t>{0, 2, 1});
  std::vector<int64_t> out{size[0]};
  out.insert(out.end(), size.begin() + 2, size.end());
  out.push_back(static_cast<int64_t>(n));
  l.to("Reshape", {l.emit("MatMul", {grid, l.emit("Transpose", {l.in(0)}, turn)}), l.ints(out)});
}
TENON_LOWERING("onnx", "AffineGrid", 20, lower_affine_grid);

// Cuts or pads each axis equally on both sides; the odd element goes to the end.
void lower_center_crop_pad(Lower& l) {
  known(l, {"axes"});
  arity(l, 2, 2);
  tenon_value x = need(l, 0), target = need(l, 1);
  std::vector<int64_t> list = attr_ints(l, "axes");
  int32_t rank = rank_of(l, x, "the set of axes");
  if (!l.has("axes"))
    for (int32_t k = 0; k < rank; ++k) list.push_back(k);
  for (auto& a : list) a = axis_of(a, rank);
  if (type_of(l, target, "the target shape") != dt::i64) target = cast(l, target, dt::i64);
  AttrList first;
  first.add("axis", 0);
  tenon_value axes = l.ints(list), zero = l.ints({0}), two = l.ints({2});
  tenon_value have = l.emit("Gather", {shape(l, x), axes}, first);
  tenon_value cut = l.emit("Div", {l.emit("Maximum", {l.emit("Sub", {have, target}), zero}), two});
  tenon_value end = l.emit("Add", {cut, l.emit("Minimum", {have, target})});
  tenon_value y = l.emit("Slice", {x, cut, end, axes});
  tenon_value lack = l.emit("Maximum", {l.emit("Sub", {target, have}), zero});
  tenon_value before = l.emit("Div", {lack, two});
  tenon_value pads = l.emit("Concat", {before, l.emit("Sub", {lack, before})}, first);
  l.to("Pad", {y, pads, 0, axes}, AttrList{}.set("mode", "constant"));
}
TENON_LOWERING("onnx", "CenterCropPad", 18, lower_center_crop_pad);

}  // namespace
}  // namespace tenon::onnx
