// SPDX-License-Identifier: Apache-2.0
// vision.cpp - detection and resizing: layers of the forks.
#include <algorithm>

#include "common.hpp"

namespace tenon::caffe {
namespace {

std::vector<double> whole_numbers(const std::vector<double>& v) {
  std::vector<double> r;
  for (double x : v) {
    if (!(x > 0 && x < 1e9)) throw invalid("a size is not positive").with("found", std::to_string(x));
    r.push_back(static_cast<double>(static_cast<int64_t>(x)));
  }
  return r;
}

/// "step" for both sides, or "step_h" and "step_w".
std::pair<double, double> sides(const Layer& l, const std::string& both, const std::string& h, const std::string& w) {
  bool split = l.has(h) || l.has(w);
  if (split && l.has(both)) throw invalid("parameters '" + both + "' and '" + h + "', '" + w + "' contradict each other");
  return split ? std::make_pair(l.f(h), l.f(w)) : std::make_pair(l.f(both), l.f(both));
}

// SSD keeps min_size and max_size in integers.
void lower_prior_box(Lower& lower) {
  Layer l(lower, "prior_box_param");
  l.arity(1, 2);
  auto [image_h, image_w] = sides(l, "img_size", "img_h", "img_w");
  auto [step_h, step_w] = sides(l, "step", "step_h", "step_w");
  AttrList a;
  a.add("min_size", whole_numbers(l.reals("min_size"))).add("max_size", whole_numbers(l.reals("max_size"))).add("aspect_ratio", l.reals("aspect_ratio"));
  a.add("flip", l.flag("flip", true) ? 1 : 0).add("clip", l.flag("clip", false) ? 1 : 0).add("offset", l.f("offset", 0.5));
  if (l.has("variance")) a.add("variance", l.reals("variance"));
  a.add("image_height", static_cast<int64_t>(image_h)).add("image_width", static_cast<int64_t>(image_w)).add("step_h", step_h).add("step_w", step_w);
  Values in{l.in(0)};
  if (l.bottoms() == 2) in.push_back(l.in(1));
  l.to("PriorBox", in, a);
}
TENON_LOWERING("caffe", "PriorBox", 1, lower_prior_box);

void lower_detection_output(Lower& lower) {
  Layer l(lower, "detection_output_param");
  l.arity(3, 3);
  l.ignore({"visualize", "visualize_threshold", "save_file", "save_output_param.output_directory", "save_output_param.output_name_prefix", "save_output_param.output_format",
            "save_output_param.label_map_file", "save_output_param.name_size_file", "save_output_param.num_test_image"});
  if (l.has("objectness_score")) throw unsupported("DetectionOutput with objectness_score is not supported");
  AttrList a;
  a.add("num_classes", l.at_least("num_classes", 1, 0)).add("share_location", l.flag("share_location", true) ? 1 : 0);
  a.add("background_label_id", l.i("background_label_id", 0)).add("code_type", l.s("code_type", "CORNER"));
  a.add("variance_encoded_in_target", l.flag("variance_encoded_in_target", false) ? 1 : 0).add("nms_threshold", l.f("nms_param.nms_threshold", 0.3));
  a.add("eta", l.f("nms_param.eta", 1)).add("top_k", l.i("nms_param.top_k", -1)).add("keep_top_k", l.i("keep_top_k", -1));
  if (l.has("confidence_threshold")) a.add("confidence_threshold", l.f("confidence_threshold"));
  l.to("DetectionOutput", {l.in(0), l.in(1), l.in(2)}, a);
}
TENON_LOWERING("caffe", "DetectionOutput", 1, lower_detection_output);

AttrList pooled(const Layer& l) {
  AttrList a;
  a.add("pooled_shape", Ints{l.at_least("pooled_h", 1, 0), l.at_least("pooled_w", 1, 0)}).add("spatial_scale", l.f("spatial_scale", 1));
  return a;
}

tenon_value rois_2d(const Layer& l, tenon_value rois) { return l.rank(rois) == 2 ? rois : l.emit("Reshape", {rois, l.ints({-1, 5})}); }

void lower_roi_pooling(Lower& lower) {
  Layer l(lower, "roi_pooling_param");
  l.arity(2, 2);
  l.to("RoiPool", {l.in(0), rois_2d(l, l.in(1))}, pooled(l));
}
TENON_LOWERING("caffe", "ROIPooling", 1, lower_roi_pooling);

// Mask R-CNN without the half-pixel shift.
void lower_roi_align(Lower& lower) {
  Layer l(lower, "roi_align_param");
  l.arity(2, 2);
  tenon_value rois = rois_2d(l, l.in(1));
  auto columns = [&](int64_t begin, int64_t end) { return l.emit("Slice", {rois, l.ints({begin}), l.ints({end}), l.ints({1})}); };
  AttrList a;
  a.add("output_height", l.at_least("pooled_h", 1, 0)).add("output_width", l.at_least("pooled_w", 1, 0)).add("spatial_scale", l.f("spatial_scale", 1));
  a.add("sampling_ratio", std::max<int64_t>(0, l.i("sampling_ratio", 0))).add("mode", "avg").add("coordinate_transformation_mode", "output_half_pixel");
  tenon_value batch = l.cast(l.emit("Reshape", {columns(0, 1), l.ints({-1})}), dt::i64);
  l.to("RoiAlign", {l.in(0), columns(1, 5), batch}, a);
}
TENON_LOWERING("caffe", "ROIAlign", 1, lower_roi_align);

void lower_psroi_pooling(Lower& lower) {
  Layer l(lower, "psroi_pooling_param");
  l.arity(2, 2);
  AttrList a;
  a.add("output_dim", l.at_least("output_dim", 1, 0)).add("group_size", l.at_least("group_size", 1, 0)).add("spatial_scale", l.f("spatial_scale", 1));
  l.to("PSRoiPool", {l.in(0), rois_2d(l, l.in(1))}, a);
}
TENON_LOWERING("caffe", "PSROIPooling", 1, lower_psroi_pooling);

void lower_proposal(Lower& lower) {
  Layer l(lower, "proposal_param");
  l.arity(3, 3, 2);
  auto ratio = l.reals("ratio"), scale = l.reals("scale");
  AttrList a;
  a.add("feat_stride", static_cast<double>(l.at_least("feat_stride", 1, 16))).add("base_size", static_cast<double>(l.at_least("base_size", 1, 16)));
  a.add("min_size", static_cast<double>(l.at_least("min_size", 0, 16))).add("ratio", ratio.empty() ? std::vector<double>{0.5, 1, 2} : ratio);
  a.add("scale", scale.empty() ? std::vector<double>{8, 16, 32} : scale).add("pre_nms_topn", l.at_least("pre_nms_topn", 0, 6000));
  a.add("post_nms_topn", l.at_least("post_nms_topn", 0, 300)).add("nms_thresh", l.f("nms_thresh", 0.7));
  Values r = l.emit_n("Proposal", {l.in(0), l.in(1), l.in(2)}, a, 2, {true, l.tops() == 2});
  r.resize(l.tops());
  l.done(r);
}
TENON_LOWERING("caffe", "Proposal", 1, lower_proposal);

/// One side of Interp: what shrink_factor and zoom_factor, or height and width, make of a size.
tenon_value interp_size(const Layer& l, tenon_value size, const char* fixed) {
  int64_t shrink = l.at_least("shrink_factor", 1, 1), zoom = l.at_least("zoom_factor", 1, 1), given = l.at_least(fixed, 0, 0);
  if (given > 0) return l.ints({given});
  auto each = [&](std::string_view op, tenon_value v, int64_t n) { return l.emit(op, {v, l.ints({n})}); };
  if (shrink > 1) size = each("Add", each("Div", each("Sub", size, 1), shrink), 1);
  return zoom > 1 ? l.emit("Add", {size, each("Mul", each("Sub", size, 1), zoom - 1)}) : size;
}

// DeepLab and PSPNet: bilinear with the corners aligned; pads are 0 or negative, which crops.
void lower_interp(Lower& lower) {
  Layer l(lower, "interp_param");
  l.arity(1, 2);
  tenon_value x = l.in();
  if (l.rank(x) != 4) throw invalid("Interp needs a bottom of 4 dimensions").with("found", text(l.info(x).dims()));
  int64_t begin = -l.i("pad_beg", 0), end = -l.i("pad_end", 0);
  if (begin < 0 || end < 0) throw invalid("Interp's padding must be 0 or negative").with("found", std::to_string(-begin) + " and " + std::to_string(-end));
  bool by_shape = l.has("height") || l.has("width");
  if (by_shape && (l.at_least("height", 0, 0) == 0 || l.at_least("width", 0, 0) == 0)) throw invalid("Interp needs both height and width");
  if (begin || end) x = l.emit("Slice", {x, l.ints({begin, begin}), l.ints({end ? -end : INT64_MAX, end ? -end : INT64_MAX}), l.ints({2, 3})});
  Shape s(l);
  s.of(x, 0).of(x, 1);
  if (l.bottoms() == 2) s.range(l.in(1), 2, 4);
  else s.value(interp_size(l, dim_value(l, x, 2), "height")).value(interp_size(l, dim_value(l, x, 3), "width"));
  l.to("Resize", {x, 0, 0, s.get()}, AttrList{}.set("mode", "linear").set("coordinate_transformation_mode", "align_corners"));
}
TENON_LOWERING("caffe", "Interp", 1, lower_interp);

}  // namespace
}  // namespace tenon::caffe
