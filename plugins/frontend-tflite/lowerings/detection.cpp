// SPDX-License-Identifier: Apache-2.0
// detection.cpp - operators that choose among boxes.
#include "lowerings/common/common.hpp"

#include <cmath>
#include <cstring>

namespace tenon::tflite {
namespace {

// A box is suppressed when it overlaps as much as the threshold; for the IR's operator it must overlap more.
tenon_value threshold_below(Lower& l, tenon_value v) {
  if (!l.graph().is_constant(v) || l.info(v).type() != dt::f32 || l.info(v).count() != 1) throw unsupported("the overlap of boxes that is too much must be constant");
  float limit;
  std::memcpy(&limit, l.graph().constant_bytes(v).p, sizeof limit);
  return l.scalar<float>(std::nextafter(limit, -1.0f));
}

// The first k of v (0 where there are fewer), k being a tensor of one element.
tenon_value filled_up(Lower& l, tenon_value v, tenon_value count, tenon_value most) {
  tenon_value missing = l.emit("Sub", {most, count});
  return l.emit("Pad", {v, concat(l, {l.ints({0}), missing}, 0)});
}

// Indices of the chosen boxes as a list, and how many they are.
struct Chosen {
  tenon_value boxes, count, most;
};
Chosen choose(Lower& l) {
  tenon_value most = l.emit("Reshape", {index_list(l, need(l, 2)), l.ints({1})});
  tenon_value rows = l.emit("NonMaxSuppression", {unsqueeze(l, need(l, 0), {0}), unsqueeze(l, need(l, 1), {0, 1}), most, threshold_below(l, need(l, 3)), need(l, 4)});
  return {l.emit("Reshape", {slice(l, rows, 1, 2, 3), l.ints({-1})}), shape(l, rows, 0, 1), most};
}

tenon_value as_count(Lower& l, tenon_value v) { return l.emit("Reshape", {l.emit("Cast", {v}, AttrList{}.set("to", "i32")), l.ints({})}); }

// Outputs: indices, filled up with 0, and how many there are.
void lower_non_max_suppression_v4(Lower& l) {
  known(l, {});
  arity(l, 5, 5, 2);
  Chosen c = choose(l);
  Values out{l.emit("Cast", {filled_up(l, c.boxes, c.count, c.most)}, AttrList{}.set("to", "i32"))};
  if (l.n_out() > 1) out.push_back(as_count(l, c.count));
  finish(l, out);
}
TFLITE_LOWERING("NON_MAX_SUPPRESSION_V4", lower_non_max_suppression_v4);

bool is_zero(Lower& l, tenon_value v) {
  if (!l.graph().is_constant(v) || l.info(v).type() != dt::f32 || l.info(v).count() != 1) return false;
  float x;
  std::memcpy(&x, l.graph().constant_bytes(v).p, sizeof x);
  return x == 0;
}

// With soft_nms_sigma 0 a box is kept or not; with another, overlapping ones would lose score.
void lower_non_max_suppression_v5(Lower& l) {
  known(l, {});
  arity(l, 6, 6, 3);
  if (!is_zero(l, need(l, 5))) throw unsupported("suppression that lowers scores (soft_nms_sigma other than 0)");
  Chosen c = choose(l);
  Values out{l.emit("Cast", {filled_up(l, c.boxes, c.count, c.most)}, AttrList{}.set("to", "i32"))};
  if (l.n_out() > 1) out.push_back(filled_up(l, l.emit("Gather", {l.in(1), c.boxes}, AttrList{}.set("axis", 0)), c.count, c.most));
  if (l.n_out() > 2) out.push_back(as_count(l, c.count));
  finish(l, out);
}
TFLITE_LOWERING("NON_MAX_SUPPRESSION_V5", lower_non_max_suppression_v5);

// The operator computes in float; its inputs may be quantized.
tenon_value as_float(Lower& l, tenon_value v) {
  tenon_dtype t = type_of(l, v);
  if (t == dt::f32) return v;
  int32_t axis = -1;
  const float* scale = nullptr;
  const int64_t* zero = nullptr;
  uint64_t n = 0;
  ok(api().ir->quantization(l.graph().raw(), v, &axis, &scale, &zero, &n));
  if (n != 1 || !is_int(t)) throw unsupported("detections from tensors of this type").with("found", dtype_name(t));
  float s = scale[0];
  return l.emit("DequantizeLinear", {v, l.scalar<float>(s), zero_of(l, v)});
}

void lower_detection_post_process(Lower& l) {
  known(l, {"custom_options", "max_detections", "max_classes_per_detection", "detections_per_class", "use_regular_nms", "nms_score_threshold", "nms_iou_threshold",
            "num_classes", "y_scale", "x_scale", "h_scale", "w_scale", "_output_quantized", "_output_types", "_support_output_type_float_in_quantized_op"});
  arity(l, 3, 3, 4);
  AttrList a;
  for (const char* name : {"max_detections", "max_classes_per_detection", "num_classes"}) a.add(name, l.i(name));
  if (l.has("detections_per_class")) a.add("detections_per_class", l.i("detections_per_class"));
  a.add("use_regular_nms", l.i("use_regular_nms")).add("nms_score_threshold", l.f("nms_score_threshold")).add("nms_iou_threshold", l.f("nms_iou_threshold"));
  a.add("scales", std::vector<double>{l.f("y_scale", 1), l.f("x_scale", 1), l.f("h_scale", 1), l.f("w_scale", 1)});
  finish(l, l.emit_n("DetectionPostProcess", {as_float(l, need(l, 0)), as_float(l, need(l, 1)), as_float(l, need(l, 2))}, a, l.n_out()));
}
TENON_LOWERING("tflite.custom", "TFLite_Detection_PostProcess", 1, lower_detection_post_process);

}  // namespace
}  // namespace tenon::tflite
