// SPDX-License-Identifier: Apache-2.0
// reduce.cpp - reductions. Axes are an attribute before opset 18 (ReduceSum: 13), an input since.
#include "common.hpp"

namespace tenon::onnx {
namespace {

struct Reduction {
  tenon_value x = 0, axes = 0;  ///< axes 0: all
  int64_t keepdims = 1, noop = 0;

  tenon_value emit(Lower& l, std::string_view op, tenon_value v, int64_t keep) const {
    AttrList a;
    a.add("keepdims", keep);
    if (noop) a.add("noop_with_empty_axes", noop);
    return l.emit(op, axes ? Values{v, axes} : Values{v}, a);
  }
  tenon_value emit(Lower& l, std::string_view op, tenon_value v) const { return emit(l, op, v, keepdims); }
};

Reduction read(Lower& l, int32_t axes_input_since) {
  Reduction r;
  bool attribute = l.version() < axes_input_since;
  if (attribute) known(l, {"axes", "keepdims"});
  else known(l, {"keepdims", "noop_with_empty_axes"});
  arity(l, 1, attribute ? 1 : 2);
  r.x = need(l, 0);
  r.keepdims = l.i("keepdims", 1);
  r.noop = l.i("noop_with_empty_axes", 0);
  if (!attribute) r.axes = axes_input(l, 1);
  else if (l.has("axes") && !attr_ints(l, "axes").empty()) r.axes = l.ints(attr_ints(l, "axes"));
  return r;
}

#define TENON_ONNX_REDUCE(op, axes_input_since)   \
  void lower_##op(Lower& l) {                     \
    Reduction r = read(l, axes_input_since);      \
    l.done({r.emit(l, #op, r.x)});                \
  }                                               \
  TENON_LOWERING("onnx", #op, 1, lower_##op)

TENON_ONNX_REDUCE(ReduceMax, 18);
TENON_ONNX_REDUCE(ReduceMean, 18);
TENON_ONNX_REDUCE(ReduceMin, 18);
TENON_ONNX_REDUCE(ReduceProd, 18);
TENON_ONNX_REDUCE(ReduceSum, 13);
#undef TENON_ONNX_REDUCE

void lower_l1(Lower& l) {
  Reduction r = read(l, 18);
  l.done({r.emit(l, "ReduceSum", l.emit("Abs", {r.x}))});
}
TENON_LOWERING("onnx", "ReduceL1", 1, lower_l1);

void lower_l2(Lower& l) {
  Reduction r = read(l, 18);
  l.to("Sqrt", {r.emit(l, "ReduceSum", l.emit("Mul", {r.x, r.x}))});
}
TENON_LOWERING("onnx", "ReduceL2", 1, lower_l2);

void lower_sum_square(Lower& l) {
  Reduction r = read(l, 18);
  l.done({r.emit(l, "ReduceSum", l.emit("Mul", {r.x, r.x}))});
}
TENON_LOWERING("onnx", "ReduceSumSquare", 1, lower_sum_square);

void lower_log_sum(Lower& l) {
  Reduction r = read(l, 18);
  l.to("Log", {r.emit(l, "ReduceSum", r.x)});
}
TENON_LOWERING("onnx", "ReduceLogSum", 1, lower_log_sum);

// log(sum(exp(x - m))) + m with m the maximum, so that nothing overflows; an infinite maximum is left out of the shift
void lower_log_sum_exp(Lower& l) {
  Reduction r = read(l, 18);
  tenon_value m = r.emit(l, "ReduceMax", r.x, 1);
  m = l.emit("Where", {l.emit("IsInf", {m}), scalar_like(l, r.x, 0), m});
  tenon_value log = l.emit("Log", {r.emit(l, "ReduceSum", l.emit("Exp", {l.emit("Sub", {r.x, m})}))});
  bool reduces = r.axes || !r.noop;
  if (!r.keepdims && reduces) m = r.axes ? l.emit("Reshape", {m, shape(l, log)}) : l.emit("Reshape", {m, l.ints({})});
  l.to("Add", {log, m});
}
TENON_LOWERING("onnx", "ReduceLogSumExp", 1, lower_log_sum_exp);

void arg(Lower& l, std::string_view op) {
  known(l, {"axis", "keepdims", "select_last_index"});
  arity(l, 1, 1);
  AttrList a;
  a.add("axis", l.i("axis", 0)).add("keepdims", l.i("keepdims", 1)).add("select_last_index", l.i("select_last_index", 0));
  l.to(op, {need(l, 0)}, a);
}
void lower_arg_max(Lower& l) { arg(l, "ArgMax"); }
TENON_LOWERING("onnx", "ArgMax", 1, lower_arg_max);
void lower_arg_min(Lower& l) { arg(l, "ArgMin"); }
TENON_LOWERING("onnx", "ArgMin", 1, lower_arg_min);

}  // namespace
}  // namespace tenon::onnx
