// SPDX-License-Identifier: Apache-2.0
// loss.cpp - the two loss functions.
#include "common.hpp"

namespace tenon::onnx {
namespace {

AttrList with_axis(int64_t axis) {
  AttrList a;
  a.add("axis", axis);
  return a;
}

// Sum or mean of all elements.
tenon_value total(Lower& l, std::string_view op, tenon_value v) {
  AttrList a;
  a.add("keepdims", 0);
  return l.emit(op, {v}, a);
}

// log_p: [N, C, d...], inputs 1 (classes [N, d...]) and 2 (a weight for each class). Ignored samples weigh nothing.
tenon_value negative_log_likelihood(Lower& l, tenon_value log_p) {
  tenon_value target = need(l, 1), weight = 0, ignored = 0, one = l.ints({1});
  if (l.has("ignore_index")) {
    tenon_value index = scalar_like(l, target, static_cast<double>(l.i("ignore_index")));
    ignored = l.emit("Equal", {target, index});
    target = l.emit("Where", {ignored, scalar_like(l, l.in(1), 0), target});
  }
  tenon_value picked = l.emit("GatherElements", {log_p, l.emit("Unsqueeze", {target, one})}, with_axis(1));
  tenon_value loss = l.emit("Neg", {l.emit("Squeeze", {picked, one})});
  if (l.has_in(2)) weight = l.emit("Gather", {l.in(2), target}, with_axis(0));
  if (ignored) weight = l.emit("Where", {ignored, scalar_like(l, l.in(0), 0), weight ? weight : scalar_like(l, l.in(0), 1)});
  if (weight) loss = l.emit("Mul", {loss, weight});
  std::string reduction = l.s("reduction", "mean");
  if (reduction == "none") return loss;
  if (reduction == "sum") return total(l, "ReduceSum", loss);
  if (reduction != "mean") throw invalid("attribute 'reduction' has the value '" + reduction + "'").with("expected", "none, sum or mean");
  return weight ? l.emit("Div", {total(l, "ReduceSum", loss), total(l, "ReduceSum", weight)}) : total(l, "ReduceMean", loss);
}

void lower_nll(Lower& l) {
  known(l, {"ignore_index", "reduction"});
  arity(l, 2, 3);
  l.done({negative_log_likelihood(l, need(l, 0))});
}
TENON_LOWERING("onnx", "NegativeLogLikelihoodLoss", 12, lower_nll);

void lower_cross_entropy(Lower& l) {
  known(l, {"ignore_index", "reduction"});
  arity(l, 2, 3, 2);
  tenon_value log_p = l.emit("LogSoftmax", {need(l, 0)}, with_axis(1));
  l.done({negative_log_likelihood(l, log_p), log_p});
}
TENON_LOWERING("onnx", "SoftmaxCrossEntropyLoss", 12, lower_cross_entropy);

}  // namespace
}  // namespace tenon::onnx
