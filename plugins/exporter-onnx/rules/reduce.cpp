// SPDX-License-Identifier: Apache-2.0
// reduce.cpp - reductions over axes, and sums along one.
#include <algorithm>

#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

const std::vector<tenon_dtype> kWide = {dt::f16, dt::f32, dt::f64, dt::bf16, dt::i32, dt::i64, dt::u32, dt::u64};

/// Axes are an input since opset 18 (ReduceSum: since 13), and were an attribute before.
Value reduced(Emit& e, std::string_view name, Value x) {
  AttrList a = e.copied({"keepdims"});
  const bool noop = e.i("noop_with_empty_axes") != 0;
  if (e.opset() >= 18 || name == "ReduceSum") {
    if (noop) a.add("noop_with_empty_axes", 1);
    return e.op(name, {x, e.in(1)}, a);
  }
  if (e.in(1)) {
    const auto axes = e.need_ints(e.in(1), "the set of axes");
    if (axes.empty() && noop) return e.op("Identity", {x});
    if (!axes.empty()) a.add("axes", axes);
  } else if (noop) {
    return e.op("Identity", {x});
  }
  return e.op(name, {x}, a);
}

void reduction(Emit& e, std::string_view name, const std::vector<tenon_dtype>& takes) {
  const tenon_dtype t = e.type(e.in(0));
  const Value x = t == dt::boolean ? e.cast(e.in(0), dt::u8) : e.widened(e.in(0), takes);
  const Value y = reduced(e, name, x);
  e.done({x == e.in(0) ? y : e.op("Cast", {y}, AttrList{}.set("to", data_type(t)))});
}

std::vector<tenon_dtype> with_bytes() {
  std::vector<tenon_dtype> t = kWide;
  t.insert(t.end(), {dt::i8, dt::u8});
  return t;
}
void reduce_max(Emit& e) { reduction(e, "ReduceMax", with_bytes()); }
ONNX_RULE("ReduceMax", reduce_max);
void reduce_min(Emit& e) { reduction(e, "ReduceMin", with_bytes()); }
ONNX_RULE("ReduceMin", reduce_min);
/// Over exactly the spatial axes of an image, and kept: the operator that engines treat as a pool, with the layout of one.
bool whole_image(Emit& e) {
  const int32_t rank = e.rank(e.in(0));
  if (rank < 3 || rank > 5 || e.i("keepdims", 1) == 0 || !is_float(e.type(e.in(0)))) return false;
  auto axes = e.constant_ints(e.in(1));
  if (!axes || static_cast<int32_t>(axes->size()) != rank - 2) return false;
  std::vector<bool> hit(static_cast<size_t>(rank), false);
  for (int64_t a : *axes) hit[static_cast<size_t>(a < 0 ? a + rank : a)] = true;
  return !hit[0] && !hit[1] && std::count(hit.begin(), hit.end(), true) == rank - 2;
}
void reduce_mean(Emit& e) {
  if (whole_image(e)) return e.to("GlobalAveragePool", {e.in(0)});
  reduction(e, "ReduceMean", kWide);
}
ONNX_RULE("ReduceMean", reduce_mean);
void reduce_prod(Emit& e) { reduction(e, "ReduceProd", kWide); }
ONNX_RULE("ReduceProd", reduce_prod);
void reduce_sum(Emit& e) { reduction(e, "ReduceSum", kWide); }
ONNX_RULE("ReduceSum", reduce_sum);
// As 0 and 1: any is the largest, all the smallest.
void reduce_any(Emit& e) { reduction(e, "ReduceMax", with_bytes()); }
ONNX_RULE("ReduceAny", reduce_any);
void reduce_all(Emit& e) { reduction(e, "ReduceMin", with_bytes()); }
ONNX_RULE("ReduceAll", reduce_all);

void arg_max(Emit& e) { e.same("ArgMax", {"axis", "keepdims", "select_last_index"}); }
ONNX_RULE("ArgMax", arg_max);
void arg_min(Emit& e) { e.same("ArgMin", {"axis", "keepdims", "select_last_index"}); }
ONNX_RULE("ArgMin", arg_min);

void running(Emit& e, std::string_view name) {
  const tenon_dtype t = e.type(e.in(0));
  const Value x = e.widened(e.in(0), kWide);
  const Value y = e.op(name, {x, e.scalar(e.in(1))}, e.copied({"exclusive", "reverse"}));
  e.done({x == e.in(0) ? y : e.op("Cast", {y}, AttrList{}.set("to", data_type(t)))});
}
void cum_sum(Emit& e) { running(e, "CumSum"); }
ONNX_RULE("CumSum", cum_sum);
void cum_prod(Emit& e) {
  e.need_opset(26);
  running(e, "CumProd");
}
ONNX_RULE("CumProd", cum_prod);

}  // namespace
}  // namespace tenon::to_onnx
