// SPDX-License-Identifier: Apache-2.0
// qlinear.cpp - the QLinear family: inputs with scale and zero point are dequantized, the float operator's result is quantized. Backends
// recognize these patterns.
#include "emit.hpp"

namespace tenon::contrib {
namespace {

/// The operator on two quantized inputs at 0 and 3; scale and zero point of the result at 6.
void binary(Lower& l, const char* op) {
  known(l, {});
  arity(l, 7, 8);
  l.done({quantized(l, l.emit(op, {dequantized_input(l, 0), dequantized_input(l, 3)}), need(l, 6), l.in(7))});
}
void lower_add(Lower& l) { binary(l, "Add"); }
TENON_LOWERING("com.microsoft", "QLinearAdd", 1, lower_add);
void lower_mul(Lower& l) { binary(l, "Mul"); }
TENON_LOWERING("com.microsoft", "QLinearMul", 1, lower_mul);

/// Result of the operator on the quantized input 0; scale and zero point of the result at 3.
void done_unary(Lower& l, tenon_value y) { l.done({quantized(l, y, need(l, 3), l.in(4))}); }

void lower_sigmoid(Lower& l) {
  known(l, {});
  arity(l, 4, 5);
  done_unary(l, l.emit("Sigmoid", {dequantized_input(l, 0)}));
}
TENON_LOWERING("com.microsoft", "QLinearSigmoid", 1, lower_sigmoid);

void lower_leaky_relu(Lower& l) {
  known(l, {"alpha"});
  arity(l, 4, 5);
  done_unary(l, l.emit("LeakyRelu", {dequantized_input(l, 0)}, AttrList{}.set("alpha", l.f("alpha", 0.01f))));
}
TENON_LOWERING("com.microsoft", "QLinearLeakyRelu", 1, lower_leaky_relu);

/// Before opset 13 the axes from `axis` on are one.
void lower_softmax(Lower& l) {
  known(l, {"axis", "opset"});
  arity(l, 5, 5);
  if (!l.has("opset")) throw invalid("attribute 'opset' is missing");
  tenon_value x = dequantized_input(l, 0);
  const bool flat = l.i("opset") < 13;
  AttrList a;
  a.add("axis", l.i("axis", flat ? 1 : -1));
  done_unary(l, emit_onnx(l, "Softmax", flat ? 11 : 13, {x}, a));
}
TENON_LOWERING("com.microsoft", "QLinearSoftmax", 1, lower_softmax);

void lower_reduce_mean(Lower& l) {
  known(l, {"axes", "keepdims"});
  arity(l, 4, 5);
  Values in{dequantized_input(l, 0)};
  if (l.has("axes")) in.push_back(l.ints(attr_ints(l, "axes")));
  done_unary(l, l.emit("ReduceMean", in, AttrList{}.set("keepdims", l.i("keepdims", 1))));
}
TENON_LOWERING("com.microsoft", "QLinearReduceMean", 1, lower_reduce_mean);

/// f(channels first) on a node that may have its channels last.
template <class F>
tenon_value with_channels_first(Lower& l, tenon_value x, F&& f) {
  if (!l.i("channels_last", 0)) return f(x);
  const int64_t rank = rank_of(l, l.in(0), "the input");
  std::vector<int64_t> to_first{0, rank - 1}, to_last{0};
  for (int64_t k = 1; k + 1 < rank; ++k) to_first.push_back(k), to_last.push_back(k + 1);
  to_last.push_back(1);
  return transpose(l, f(transpose(l, x, to_first)), to_last);
}

void lower_average_pool(Lower& l) {
  known(l, {"auto_pad", "ceil_mode", "channels_last", "count_include_pad", "kernel_shape", "pads", "strides"});
  arity(l, 4, 5);
  AttrList a = copied(l, {"auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides"});
  done_unary(l, with_channels_first(l, dequantized_input(l, 0), [&](tenon_value x) { return emit_onnx(l, "AveragePool", 11, {x}, a); }));
}
TENON_LOWERING("com.microsoft", "QLinearAveragePool", 1, lower_average_pool);

void lower_global_average_pool(Lower& l) {
  known(l, {"channels_last"});
  arity(l, 5, 5);
  const int64_t rank = rank_of(l, need(l, 0), "the input"), first = l.i("channels_last", 0) ? 1 : 2;
  std::vector<int64_t> axes;
  for (int64_t k = first; k < first + rank - 2; ++k) axes.push_back(k);
  done_unary(l, reduce(l, "ReduceMean", dequantized_input(l, 0), axes));
}
TENON_LOWERING("com.microsoft", "QLinearGlobalAveragePool", 1, lower_global_average_pool);

void lower_concat(Lower& l) {
  known(l, {"axis"});
  arity(l, 5, UINT64_MAX);
  if ((l.n_in() - 2) % 3) throw invalid("inputs must come as data, scale and zero point").with("found", std::to_string(l.n_in()) + " inputs");
  if (!l.has("axis")) throw invalid("attribute 'axis' is missing");
  Values parts;
  for (uint64_t k = 2; k < l.n_in(); k += 3) parts.push_back(dequantized_input(l, k));
  l.done({quantized(l, concat(l, parts, l.i("axis")), need(l, 0), need(l, 1))});
}
TENON_LOWERING("com.microsoft", "QLinearConcat", 1, lower_concat);

void lower_where(Lower& l) {
  known(l, {});
  arity(l, 9, 9);
  l.done({quantized(l, l.emit("Where", {need(l, 0), dequantized_input(l, 1), dequantized_input(l, 4)}), need(l, 7), need(l, 8))});
}
TENON_LOWERING("com.microsoft", "QLinearWhere", 1, lower_where);

}  // namespace
}  // namespace tenon::contrib
