// SPDX-License-Identifier: Apache-2.0
// resize.cpp - images of another size.
#include "lowerings/common/window.hpp"

namespace tenon::tflite {
namespace {

void resize(Lower& l, AttrList a) {
  if (rank_of(l, need(l, 0)) != 4) throw invalid("a resized image needs 4 dimensions");
  a.add("axes", std::vector<int64_t>{2, 3});
  tenon_value y = l.emit("Resize", {channels_first(l, l.in(0)), 0, 0, index_list(l, need(l, 1))}, a);
  finish(l, {channels_last(l, y)});
}

void lower_resize_bilinear(Lower& l) {
  known(l, {"align_corners", "half_pixel_centers"});
  arity(l, 2, 2);
  bool corners = l.i("align_corners"), half = l.i("half_pixel_centers");
  if (corners && half) throw invalid("options 'align_corners' and 'half_pixel_centers' exclude each other");
  AttrList a;
  a.add("mode", "linear").add("coordinate_transformation_mode", corners ? "align_corners" : half ? "half_pixel" : "asymmetric");
  resize(l, std::move(a));
}
TFLITE_LOWERING("RESIZE_BILINEAR", lower_resize_bilinear);

void lower_resize_nearest_neighbor(Lower& l) {
  known(l, {"align_corners", "half_pixel_centers"});
  arity(l, 2, 2);
  bool corners = l.i("align_corners"), half = l.i("half_pixel_centers");
  if (corners && half) throw unsupported("nearest neighbours with both 'align_corners' and 'half_pixel_centers'");
  AttrList a;
  a.add("mode", "nearest").add("coordinate_transformation_mode", corners ? "align_corners" : half ? "tf_half_pixel_for_nn" : "asymmetric");
  a.add("nearest_mode", corners ? "round_prefer_ceil" : "floor");
  resize(l, std::move(a));
}
TFLITE_LOWERING("RESIZE_NEAREST_NEIGHBOR", lower_resize_nearest_neighbor);

}  // namespace
}  // namespace tenon::tflite
