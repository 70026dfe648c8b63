// SPDX-License-Identifier: Apache-2.0
// norm.cpp - normalization.
#include <algorithm>

#include "common.hpp"

namespace tenon::onnx {
namespace {

AttrList epsilon(const Lower& l) {
  AttrList a;
  a.add("epsilon", l.f("epsilon", 1e-5f));
  return a;
}

// Outputs from the second on exist for training only.
void no_training_outputs(const Lower& l) {
  for (uint64_t k = 1; k < l.n_out(); ++k)
    if (used(l, k))
      throw unsupported("output " + std::to_string(k) + " exists in training mode only").with("hint", "export the model for inference");
}

// Before opset 9: spatial 0 means statistics for every element of a sample.
tenon_value by_element(Lower& l) {
  tenon_value x = l.in(0), root = l.emit("Sqrt", {l.emit("Add", {l.in(4), scalar_like(l, l.in(4), l.f("epsilon", 1e-5f))})});
  tenon_value unit = l.emit("Div", {l.emit("Sub", {x, l.in(3)}), root});
  return l.emit("Add", {l.emit("Mul", {unit, l.in(1)}), l.in(2)});
}

tenon_value over(Lower& l, tenon_value x, tenon_value axes, int64_t keep) { return l.emit("ReduceMean", {x, axes}, AttrList{}.set("keepdims", keep)); }

// old * momentum + now * (1 - momentum)
tenon_value moved(Lower& l, tenon_value old, tenon_value now) {
  double momentum = l.f("momentum", 0.9f);
  return l.emit("Add", {l.emit("Mul", {old, scalar_like(l, old, momentum)}), l.emit("Mul", {now, scalar_like(l, old, 1 - momentum)})});
}

// Since opset 14: the statistics are those of the batch, and the running ones move toward them.
void by_batch(Lower& l) {
  tenon_value x = l.in(0);
  int32_t rank = rank_of(l, x, "the axes of the statistics");
  tenon_dtype type = type_of(l, l.in(3), "the type of the statistics");
  std::vector<int64_t> list{0};
  for (int32_t k = 2; k < rank; ++k) list.push_back(k);
  tenon_value axes = l.ints(list), wide = cast(l, x, type), centred = l.emit("Sub", {wide, over(l, wide, axes, 1)});
  tenon_value mean = over(l, wide, axes, 0), variance = over(l, l.emit("Mul", {centred, centred}), axes, 0);
  tenon_value y = l.emit("BatchNormalization", {x, l.in(1), l.in(2), mean, variance}, epsilon(l));
  Values out{y, moved(l, l.in(3), mean), moved(l, l.in(4), variance)};
  out.resize(std::min<size_t>(out.size(), l.n_out()));
  l.done(out);
}

void lower_batch_normalization(Lower& l) {
  known(l, {"epsilon", "momentum", "training_mode", "spatial", "is_test"});
  arity(l, 5, 5, 5);
  for (uint64_t k = 0; k < 5; ++k) need(l, k);
  if (l.i("training_mode", 0)) return by_batch(l);
  no_training_outputs(l);
  if (l.i("spatial", 1) == 0) return l.done({by_element(l)});
  l.to("BatchNormalization", {l.in(0), l.in(1), l.in(2), l.in(3), l.in(4)}, epsilon(l));
}
TENON_LOWERING("onnx", "BatchNormalization", 1, lower_batch_normalization);

void lower_instance_normalization(Lower& l) {
  known(l, {"epsilon"});
  arity(l, 3, 3);
  l.to("InstanceNormalization", {need(l, 0), need(l, 1), need(l, 2)}, epsilon(l));
}
TENON_LOWERING("onnx", "InstanceNormalization", 1, lower_instance_normalization);

// The type in which statistics are computed, or a wider one: the IR's are f32 or f64.
tenon_dtype stash_type(const Lower& l) {
  tenon_dtype t = dtype_number(l.i("stash_type", 1));
  if (!is_float(t) || t.bits < 16) throw invalid("attribute 'stash_type' is no type of statistics").with("expected", "f32, f64, f16 or bf16").with("found", dtype_name(t));
  return t;
}

void lower_layer_normalization(Lower& l) {
  known(l, {"axis", "epsilon", "stash_type"});
  arity(l, 2, 3, 3);
  tenon_dtype stash = stash_type(l), type = l.info(need(l, 0)).type();
  AttrList a = epsilon(l);
  a.add("axis", l.i("axis", -1));
  Values y = l.emit_n("LayerNormalization", inputs(l), a, 3, {true, l.has_out(1), l.has_out(2)});
  for (size_t k = 1; k < 3; ++k)
    if (y[k] && (stash != dt::f32 || type == dt::f64)) y[k] = cast(l, y[k], stash);
  l.done(y);
}
TENON_LOWERING("onnx", "LayerNormalization", 17, lower_layer_normalization);

void lower_rms_normalization(Lower& l) {
  known(l, {"axis", "epsilon", "stash_type"});
  arity(l, 2, 2);
  (void)stash_type(l);
  AttrList a = epsilon(l);
  a.add("axis", l.i("axis", -1));
  l.to("RMSNormalization", {need(l, 0), need(l, 1)}, a);
}
TENON_LOWERING("onnx", "RMSNormalization", 23, lower_rms_normalization);

AttrList group_attributes(Lower& l) {
  known(l, {"epsilon", "num_groups", "stash_type"});
  arity(l, 3, 3);
  (void)stash_type(l);
  if (l.i("num_groups", 0) <= 0) throw invalid("attribute 'num_groups' is missing or not positive");
  AttrList a = epsilon(l);
  a.add("num_groups", l.i("num_groups"));
  return a;
}

// One number for each group becomes one for each channel.
tenon_value by_channel(Lower& l, tenon_value v, tenon_value each) {
  AttrList first;
  first.add("axis", 0);
  tenon_value groups = l.emit("Unsqueeze", {v, l.ints({1})});
  tenon_value wide = l.emit("Expand", {groups, l.emit("Concat", {l.ints({1}), each}, first)});
  return l.emit("Reshape", {wide, l.ints({-1})});
}

void lower_group_normalization_18(Lower& l) {
  AttrList a = group_attributes(l);
  tenon_value x = need(l, 0);
  tenon_value each = l.emit("Div", {dim(l, x, 1), l.ints({l.i("num_groups")})});
  l.to("GroupNormalization", {x, by_channel(l, need(l, 1), each), by_channel(l, need(l, 2), each)}, a);
}
TENON_LOWERING("onnx", "GroupNormalization", 18, lower_group_normalization_18);

void lower_group_normalization(Lower& l) {
  AttrList a = group_attributes(l);
  l.to("GroupNormalization", {need(l, 0), need(l, 1), need(l, 2)}, a);
}
TENON_LOWERING("onnx", "GroupNormalization", 21, lower_group_normalization);

void lower_lrn(Lower& l) {
  known(l, {"alpha", "beta", "bias", "size"});
  arity(l, 1, 1);
  if (!l.has("size")) throw invalid("attribute 'size' is missing");
  AttrList a;
  a.add("alpha", l.f("alpha", 1e-4f)).add("beta", l.f("beta", 0.75)).add("bias", l.f("bias", 1)).add("size", l.i("size"));
  l.to("LRN", {need(l, 0)}, a);
}
TENON_LOWERING("onnx", "LRN", 1, lower_lrn);

tenon_value reduced(Lower& l, std::string_view op, tenon_value x, tenon_value axes) {
  AttrList keep;
  keep.add("keepdims", 1);
  return l.emit(op, {x, axes}, keep);
}

// (x - mean) / (deviation + 1e-9), as in ONNX's function body
void lower_mean_variance(Lower& l) {
  known(l, {"axes"});
  arity(l, 1, 1);
  tenon_value x = need(l, 0), axes = l.ints(attr_ints(l, "axes", {0, 2, 3}));
  tenon_value centred = l.emit("Sub", {x, reduced(l, "ReduceMean", x, axes)});
  tenon_value variance = reduced(l, "ReduceMean", l.emit("Mul", {centred, centred}), axes);
  l.to("Div", {centred, l.emit("Add", {l.emit("Sqrt", {variance}), scalar_like(l, x, 1e-9)})});
}
TENON_LOWERING("onnx", "MeanVarianceNormalization", 9, lower_mean_variance);

// x / norm; a zero vector stays zero
void lower_lp_normalization(Lower& l) {
  known(l, {"axis", "p"});
  arity(l, 1, 1);
  int64_t p = l.i("p", 2);
  if (p != 1 && p != 2) throw invalid("attribute 'p' has the value " + std::to_string(p)).with("expected", "1 or 2");
  tenon_value x = need(l, 0), axes = l.ints({l.i("axis", -1)});
  tenon_value sum = reduced(l, "ReduceSum", p == 1 ? l.emit("Abs", {x}) : l.emit("Mul", {x, x}), axes);
  tenon_value norm = p == 1 ? sum : l.emit("Sqrt", {sum});
  tenon_value zero = l.emit("Equal", {norm, scalar_like(l, x, 0)});
  l.to("Div", {x, l.emit("Where", {zero, scalar_like(l, x, 1), norm})});
}
TENON_LOWERING("onnx", "LpNormalization", 1, lower_lp_normalization);

}  // namespace
}  // namespace tenon::onnx
