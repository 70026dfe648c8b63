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

// Middles of n samples along an axis of [-1, 1], or with `corners` n points from -1 to 1. `n` has one element.
tenon_value places(Lower& l, tenon_value n, bool corners) {
  tenon_value one = l.scalar<float>(1), two = l.scalar<float>(2);
  tenon_value count = l.emit("Reshape", {n, l.ints({})}), size = l.emit("Cast", {count}, AttrList{}.set("to", "f32"));
  tenon_value k = l.emit("Cast", {l.emit("Range", {l.scalar<int64_t>(0), count, l.scalar<int64_t>(1)})}, AttrList{}.set("to", "f32"));
  tenon_value twice = l.emit("Mul", {k, two});
  tenon_value at = corners ? l.emit("Div", {twice, l.emit("Maximum", {l.emit("Sub", {size, one}), one})}) : l.emit("Div", {l.emit("Add", {twice, one}), size});
  return l.emit("Sub", {at, one});
}

// Homogeneous coordinates (x, y[, z], 1) of each output point, times theta.
void lower_affine_grid(Lower& l) {
  known(l, {"align_corners"});
  arity(l, 2, 2);
  tenon_value theta = need(l, 0), size = need(l, 1);
  auto t = l.info(theta);
  int64_t n = t.rank() == 3 ? t.dim(1) : -1;
  if (n < 0 && l.info(size).rank() == 1 && l.info(size).dim(0) >= 0) n = l.info(size).dim(0) - 2;
  if (n < 0) throw unsupported("the number of spatial axes is not known").with("hint", "give the shapes of the model's inputs with \"shapes\"");
  if (n != 2 && n != 3) throw unsupported("theta must be [N, 2, 3] or [N, 3, 4]");
  AttrList first, last, turn;
  first.add("axis", 0);
  last.add("axis", -1);
  turn.add("perm", std::vector<int64_t>{0, 2, 1});
  auto part = [&](int64_t from, int64_t to) { return l.emit("Slice", {size, l.ints({from}), l.ints({to})}); };
  tenon_value image = part(2, n + 2), points = l.emit("Concat", {image, l.ints({1})}, first);
  Values coordinates;
  for (int64_t k = n - 1; k >= 0; --k) {
    std::vector<int64_t> form(static_cast<size_t>(n) + 1, 1);
    form[static_cast<size_t>(k)] = -1;
    tenon_value line = places(l, part(k + 2, k + 3), l.i("align_corners", 0) != 0);
    coordinates.push_back(l.emit("Expand", {l.emit("Reshape", {line, l.ints(form)}), points}));
  }
  coordinates.push_back(l.emit("Expand", {l.scalar<float>(1), points}));
  tenon_value grid = l.emit("Reshape", {l.emit("Concat", coordinates, last), l.ints({1, -1, n + 1})});
  tenon_value y = l.emit("MatMul", {cast(l, grid, type_of(l, theta, "the grid")), l.emit("Transpose", {theta}, turn)});
  l.to("Reshape", {y, l.emit("Concat", {part(0, 1), image, l.ints({n})}, first)});
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
