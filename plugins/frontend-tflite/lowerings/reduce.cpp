// SPDX-License-Identifier: Apache-2.0
// reduce.cpp - reductions, running sums, and what is sorted.
#include "lowerings/common/common.hpp"

namespace tenon::tflite {
namespace {

// Without axes nothing is reduced.
void reduction(Lower& l, std::string_view op) {
  known(l, {"keep_dims"});
  arity(l, 2, 2);
  if (op == "ReduceAny" || op == "ReduceAll") need_bool(l, 0);
  AttrList a;
  a.add("keepdims", l.i("keep_dims")).add("noop_with_empty_axes", 1);
  to(l, op, {need(l, 0), index_list(l, need(l, 1))}, a);
}
void lower_mean(Lower& l) { reduction(l, "ReduceMean"); }
void lower_sum(Lower& l) { reduction(l, "ReduceSum"); }
void lower_prod(Lower& l) { reduction(l, "ReduceProd"); }
void lower_max(Lower& l) { reduction(l, "ReduceMax"); }
void lower_min(Lower& l) { reduction(l, "ReduceMin"); }
void lower_any(Lower& l) { reduction(l, "ReduceAny"); }
void lower_all(Lower& l) { reduction(l, "ReduceAll"); }
TFLITE_LOWERING("MEAN", lower_mean);
TFLITE_LOWERING("SUM", lower_sum);
TFLITE_LOWERING("REDUCE_PROD", lower_prod);
TFLITE_LOWERING("REDUCE_MAX", lower_max);
TFLITE_LOWERING("REDUCE_MIN", lower_min);
TFLITE_LOWERING("REDUCE_ANY", lower_any);
TFLITE_LOWERING("REDUCE_ALL", lower_all);

int64_t one_int(const Lower& l, uint64_t k, const char* what) {
  auto v = need_ints(l, k, what);
  if (v.size() != 1) throw invalid(std::string(what) + " must be one number").with("found", std::to_string(v.size()) + " numbers");
  return v[0];
}

void arg(Lower& l, std::string_view op) {
  known(l, {"output_type"});
  arity(l, 2, 2);
  tenon_dtype out = l.info(l.out(0)).type();
  if (out == dt::none) out = dtype_named(l.s("output_type", "INT32"));
  tenon_value y = l.emit(op, {need(l, 0)}, AttrList{}.set("axis", one_int(l, 1, "the axis")).set("keepdims", 0));
  finish(l, {out == dt::i64 ? y : cast(l, y, out)});
}
void lower_arg_max(Lower& l) { arg(l, "ArgMax"); }
void lower_arg_min(Lower& l) { arg(l, "ArgMin"); }
TFLITE_LOWERING("ARG_MAX", lower_arg_max);
TFLITE_LOWERING("ARG_MIN", lower_arg_min);

void lower_cumsum(Lower& l) {
  known(l, {"exclusive", "reverse"});
  arity(l, 2, 2);
  to(l, "CumSum", {need(l, 0), index_scalar(l, need(l, 1))}, AttrList{}.set("exclusive", l.i("exclusive")).set("reverse", l.i("reverse")));
}
TFLITE_LOWERING("CUMSUM", lower_cumsum);

// Type of integer output k: what the file declares, i32 by default.
tenon_dtype index_type(const Lower& l, uint64_t k) {
  if (!l.has_out(k)) return dt::i32;
  tenon_dtype t = l.info(l.out(k)).type();
  return t == dt::none ? dt::i32 : t;
}

void lower_topk_v2(Lower& l) {
  known(l, {});
  arity(l, 2, 2, 2);
  auto r = l.emit_n("TopK", {need(l, 0), index_list(l, need(l, 1))}, AttrList{}.set("axis", -1).set("largest", 1).set("sorted", 1), 2);
  Values out{r[0]};
  if (l.n_out() > 1) out.push_back(l.has_out(1) ? cast(l, r[1], index_type(l, 1)) : 0);
  finish(l, out);
}
TFLITE_LOWERING("TOPK_V2", lower_topk_v2);

void lower_unique(Lower& l) {
  known(l, {"idx_out_type"});
  arity(l, 1, 1, 2);
  auto r = l.emit_n("Unique", {need(l, 0)}, AttrList{}.set("sorted", 0), 3, {true, false, true});
  Values out{r[0]};
  if (l.n_out() > 1) out.push_back(l.has_out(1) ? cast(l, r[2], index_type(l, 1)) : 0);
  finish(l, out);
}
TFLITE_LOWERING("UNIQUE", lower_unique);

void lower_segment_sum(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  to(l, "SegmentReduce", {need(l, 0), need(l, 1)}, AttrList{}.set("reduction", "sum"));
}
TFLITE_LOWERING("SEGMENT_SUM", lower_segment_sum);

// Ids may have several dimensions, the first ones of the data.
void unsorted_segments(Lower& l, const char* reduction) {
  known(l, {});
  arity(l, 3, 3);
  tenon_value data = need(l, 0), ids = need(l, 1);
  int32_t rank = rank_of(l, ids);
  if (rank != 1) {
    data = l.emit("Reshape", {data, concat(l, {l.ints({-1}), l.emit("Shape", {data}, AttrList{}.set("start", rank))}, 0)});
    ids = reshape(l, ids, {-1});
  }
  to(l, "SegmentReduce", {data, ids, index_scalar(l, need(l, 2))}, AttrList{}.set("reduction", reduction));
}
void lower_segments_prod(Lower& l) { unsorted_segments(l, "prod"); }
void lower_segments_max(Lower& l) { unsorted_segments(l, "max"); }
void lower_segments_sum(Lower& l) { unsorted_segments(l, "sum"); }
void lower_segments_min(Lower& l) { unsorted_segments(l, "min"); }
TFLITE_LOWERING("UNSORTED_SEGMENT_PROD", lower_segments_prod);
TFLITE_LOWERING("UNSORTED_SEGMENT_MAX", lower_segments_max);
TFLITE_LOWERING("UNSORTED_SEGMENT_SUM", lower_segments_sum);
TFLITE_LOWERING("UNSORTED_SEGMENT_MIN", lower_segments_min);

}  // namespace
}  // namespace tenon::tflite
