// SPDX-License-Identifier: Apache-2.0
// softmax.cpp - Softmax, LogSoftmax and Hardmax. Before opset 13 they see their input as a matrix, split at `axis`.
#include "common.hpp"

namespace tenon::onnx {
namespace {

// [0, 1] in the type of the node's input
tenon_value off_on(Lower& l) {
  const float v[] = {0, 1};
  return cast(l, l.graph().add_constant<float>("", Dims{2}, v), type_of(l, l.in(0), "Hardmax"));
}

// 1 at the first largest element along the axis, else 0
tenon_value hardmax(Lower& l, tenon_value x, int64_t axis) {
  AttrList reduce, place;
  reduce.add("axis", axis).add("keepdims", 0);
  place.add("axis", axis);
  tenon_value depth = dim(l, x, axis);
  return l.emit("OneHot", {l.emit("ArgMax", {x}, reduce), depth, off_on(l)}, place);
}

tenon_value along(Lower& l, std::string_view op, tenon_value x, int64_t axis) {
  if (op == "Hardmax") return hardmax(l, x, axis);
  AttrList a;
  a.add("axis", axis);
  return l.emit(op, {x}, a);
}

void before_13(Lower& l, std::string_view op) {
  known(l, {"axis"});
  arity(l, 1, 1);
  tenon_value x = need(l, 0);
  int64_t axis = l.i("axis", 1);
  int32_t rank = l.info(x).rank();
  if (rank >= 0) axis = axis_of(axis, rank, true);
  if (axis < 0) rank_of(l, x, "a negative axis");
  if (rank > 0 && axis == rank - 1) return l.done({along(l, op, x, -1)});
  l.to("Reshape", {along(l, op, flatten(l, x, axis), 1), shape(l, x)}, AttrList{}.set("allowzero", 1));
}

void since_13(Lower& l, std::string_view op) {
  known(l, {"axis"});
  arity(l, 1, 1);
  l.done({along(l, op, need(l, 0), l.i("axis", -1))});
}

void softmax_before_13(Lower& l) { before_13(l, "Softmax"); }
TENON_LOWERING("onnx", "Softmax", 1, softmax_before_13);
void log_softmax_before_13(Lower& l) { before_13(l, "LogSoftmax"); }
TENON_LOWERING("onnx", "LogSoftmax", 1, log_softmax_before_13);
void hardmax_before_13(Lower& l) { before_13(l, "Hardmax"); }
TENON_LOWERING("onnx", "Hardmax", 1, hardmax_before_13);
void softmax(Lower& l) { since_13(l, "Softmax"); }
TENON_LOWERING("onnx", "Softmax", 13, softmax);
void log_softmax(Lower& l) { since_13(l, "LogSoftmax"); }
TENON_LOWERING("onnx", "LogSoftmax", 13, log_softmax);
void hardmax_13(Lower& l) { since_13(l, "Hardmax"); }
TENON_LOWERING("onnx", "Hardmax", 13, hardmax_13);

}  // namespace
}  // namespace tenon::onnx
