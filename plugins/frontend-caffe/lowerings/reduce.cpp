// SPDX-License-Identifier: Apache-2.0
// reduce.cpp - sums, maxima and softmax along axes.
#include "common.hpp"

namespace tenon::caffe {
namespace {

// Over all axes from `axis` on.
void lower_reduction(Lower& lower) {
  Layer l(lower, "reduction_param");
  l.arity(1, 1);
  tenon_value x = l.in();
  int64_t rank = l.rank(x), axis = l.axis(l.i("axis", 0), rank);
  std::string op = l.s("operation", "SUM");
  double coeff = l.f("coeff", 1);
  Ints axes;
  for (int64_t k = axis; k < rank; ++k) axes.push_back(k);
  if (op == "ASUM") x = l.emit("Abs", {x});
  if (op == "SUMSQ") x = l.emit("Mul", {x, x});
  tenon_value y = l.reduce(op == "MEAN" ? "ReduceMean" : "ReduceSum", x, axes, false);
  l.done({coeff == 1 ? y : l.emit("Mul", {y, l.scalar(coeff)})});
}
TENON_LOWERING("caffe", "Reduction", 1, lower_reduction);

void softmax(const Layer& l) {
  l.arity(1, 1);
  l.to("Softmax", {l.in()}, AttrList{}.set("axis", l.axis(l.i("axis", 1), l.rank(l.in()))));
}
void lower_softmax(Lower& l) { softmax(Layer(l, "softmax_param")); }
TENON_LOWERING("caffe", "Softmax", 1, lower_softmax);
// With the label dropped, these give their predictions.
TENON_LOWERING("caffe", "SoftmaxWithLoss", 1, lower_softmax);
void lower_infogain(Lower& lower) {
  Layer l(lower, "infogain_loss_param");
  l.ignore({"source"});
  softmax(l);
}
TENON_LOWERING("caffe", "InfogainLoss", 1, lower_infogain);

struct Best {
  tenon_value values, indices;  ///< indices as f32
};

/// The k largest along an axis. Of equal ones Caffe takes the last first, so the axis is read backwards.
Best largest(const Layer& l, tenon_value x, int64_t axis, int64_t k, bool values) {
  if (k == 1) {
    tenon_value at = l.emit("ArgMax", {x}, AttrList{}.set("axis", axis).set("keepdims", 1).set("select_last_index", 1));
    return {values ? l.reduce("ReduceMax", x, {axis}) : 0, l.cast(at, dt::f32)};
  }
  AttrList a;
  a.add("axis", axis).add("largest", 1).add("sorted", 1);
  Values r = l.emit_n("TopK", {l.emit("Reverse", {x, l.ints({axis})}), l.ints({k})}, a, 2);
  tenon_value last = l.emit("Sub", {dim_value(l, x, axis), l.ints({1})});
  return {r[0], l.cast(l.emit("Sub", {last, r[1]}), dt::f32)};
}

// Without an axis: over each sample, as [N, 1, k] or with the values [N, 2, k], and ones up to the rank of the bottom.
void lower_argmax(Lower& lower) {
  Layer l(lower, "argmax_param");
  l.arity(1, 1);
  tenon_value x = l.in();
  int64_t rank = l.rank(x), k = l.at_least("top_k", 1, 1);
  bool values = l.flag("out_max_val", false);
  if (l.has("axis")) {
    Best b = largest(l, x, l.axis(l.i("axis"), rank), k, values);
    return l.done({values ? b.values : b.indices});
  }
  tenon_value rows = reshape(l, x, Shape(l).of(x, 0).number(-1));
  Best b = largest(l, rows, 1, k, values);
  tenon_value y = l.unsqueeze(b.indices, {1});
  if (values) y = l.emit("Concat", {y, l.unsqueeze(b.values, {1})}, AttrList{}.set("axis", 1));
  Ints more;
  for (int64_t d = 3; d < rank; ++d) more.push_back(d);
  l.done({l.unsqueeze(y, more)});
}
TENON_LOWERING("caffe", "ArgMax", 1, lower_argmax);

}  // namespace
}  // namespace tenon::caffe
