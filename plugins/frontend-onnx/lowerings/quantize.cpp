// SPDX-License-Identifier: Apache-2.0
// quantize.cpp - QuantizeLinear and its relatives, and the operators on quantized tensors: those become Dequantize, the float
// operator and Quantize (QLinear...); backends recognize that pattern. The ...Integer operators are the IR's own.
#include "conv.hpp"

namespace tenon::onnx {
namespace {

void check_precision(const Lower& l) {
  int64_t precision = l.i("precision", 0);
  if (precision != 0 && dtype_number(precision) != dt::f32) throw unsupported("precision " + dtype_text(precision) + " is not supported").with("expected", "f32, or none");
}

void lower_quantize(Lower& l) {
  known(l, {"axis", "block_size", "output_dtype", "precision", "saturate"});
  arity(l, 2, 3);
  need(l, 0);
  need(l, 1);
  check_precision(l);
  AttrList a;
  a.add("axis", l.i("axis", 1));
  if (l.i("block_size", 0)) a.add("block_size", l.i("block_size"));
  if (l.has("saturate")) a.add("saturate", l.i("saturate"));
  if (l.i("output_dtype", 0)) a.add("output_dtype", dtype_text(l.i("output_dtype")));
  l.to("QuantizeLinear", inputs(l), a);
}
TENON_LOWERING("onnx", "QuantizeLinear", 10, lower_quantize);

void lower_dequantize(Lower& l) {
  known(l, {"axis", "block_size", "output_dtype"});
  arity(l, 2, 3);
  need(l, 0);
  AttrList a;
  a.add("axis", l.i("axis", 1));
  if (l.i("block_size", 0)) a.add("block_size", l.i("block_size"));
  need(l, 1);
  if (l.i("output_dtype", 0)) a.add("output_dtype", dtype_text(l.i("output_dtype")));
  l.to("DequantizeLinear", inputs(l), a);
}
TENON_LOWERING("onnx", "DequantizeLinear", 10, lower_dequantize);

void lower_dynamic_quantize(Lower& l) {
  known(l, {});
  arity(l, 1, 1, 3);
  l.done(l.emit_n("DynamicQuantizeLinear", {need(l, 0)}, {}, 3));
}
TENON_LOWERING("onnx", "DynamicQuantizeLinear", 11, lower_dynamic_quantize);

bool single(const Lower& l, tenon_value v) {
  auto i = l.info(v);
  return i.rank() == 0 || (i.rank() == 1 && i.dim(0) == 1);
}

tenon_value as_scalar(Lower& l, tenon_value v) { return l.info(v).rank() == 0 ? v : l.emit("Reshape", {v, l.ints({})}); }

// A scale or zero point for each slice of x along an axis; one whose length is not known may turn out to be a single number.
tenon_value for_slices(Lower& l, tenon_value v, tenon_value x, int64_t axis) {
  auto i = l.info(v);
  return !v || i.rank() != 1 || i.dim(0) >= 0 ? v : l.emit("Expand", {v, dim(l, x, axis)});
}

// scale * (q - zero point); the scale is one number, or one for each slice along `axis`
tenon_value dequantized(Lower& l, tenon_value q, tenon_value scale, tenon_value zero, int64_t axis) {
  bool one = single(l, scale);
  scale = one ? as_scalar(l, scale) : for_slices(l, scale, q, axis);
  if (zero) zero = one ? as_scalar(l, zero) : for_slices(l, zero, q, axis);
  AttrList a;
  a.add("axis", axis);
  return l.emit("DequantizeLinear", zero ? Values{q, scale, zero} : Values{q, scale}, a);
}

// A number of any shape becomes a scalar; a length that is not known is checked when the graph runs.
tenon_value one_number(Lower& l, uint64_t k) {
  auto i = l.info(need(l, k));
  if (i.rank() > 1 || (i.rank() == 1 && i.dim(0) >= 0 && i.dim(0) != 1)) throw unsupported("input " + std::to_string(k) + " must be one number: quantization of the data for each channel is not supported");
  return as_scalar(l, l.in(k));
}

void lower_qlinear_conv(Lower& l) {
  known(l, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"});
  arity(l, 8, 9);
  for (uint64_t k = 0; k < 8; ++k) need(l, k);
  tenon_value scale = one_number(l, 1), weights = single(l, l.in(4)) ? as_scalar(l, l.in(4)) : for_slices(l, l.in(4), l.in(3), 0);
  AttrList conv = conv_attributes(l, l.in(0), l.in(3)), first, second;
  first.add("axis", 0);
  second.add("axis", 1);
  Values in{l.emit("DequantizeLinear", {l.in(0), scale, one_number(l, 2)}, second), dequantized(l, l.in(3), l.in(4), l.in(5), 0)};
  if (l.has_in(8)) in.push_back(l.emit("DequantizeLinear", {l.in(8), l.emit("Mul", {scale, weights})}, first));
  l.to("QuantizeLinear", {l.emit("Conv", in, conv), one_number(l, 6), one_number(l, 7)});
}
TENON_LOWERING("onnx", "QLinearConv", 10, lower_qlinear_conv);

void lower_qlinear_matmul(Lower& l) {
  known(l, {});
  arity(l, 8, 8);
  for (uint64_t k = 0; k < 8; ++k) need(l, k);
  for (uint64_t k : {1, 4, 6})
    if (!single(l, l.in(k)) && rank_of(l, l.in(k), "the quantized axis") != 1) throw unsupported("scales of stacked matrices are not supported");
  int64_t rows = single(l, l.in(1)) && single(l, l.in(6)) ? 0 : rank_of(l, l.in(0), "the quantized axis") - 2;
  int64_t columns = single(l, l.in(4)) ? 1 : rank_of(l, l.in(3), "the quantized axis") - 1;
  tenon_value a = dequantized(l, l.in(0), l.in(1), l.in(2), rows), b = dequantized(l, l.in(3), l.in(4), l.in(5), columns);
  tenon_value y = l.emit("MatMul", {a, b});
  if (single(l, l.in(6))) return l.to("QuantizeLinear", {y, as_scalar(l, l.in(6)), as_scalar(l, l.in(7))});
  tenon_value scale = for_slices(l, l.in(6), l.in(0), rows), zero = for_slices(l, l.in(7), l.in(0), rows);
  l.to("QuantizeLinear", {y, scale, zero}, AttrList{}.set("axis", -2));
}
TENON_LOWERING("onnx", "QLinearMatMul", 10, lower_qlinear_matmul);

// A's zero point has one number for each row, B's one for each column.
void lower_matmul_integer(Lower& l) {
  known(l, {});
  arity(l, 2, 4);
  need(l, 0);
  need(l, 1);
  l.to("MatMulInteger", inputs(l));
}
TENON_LOWERING("onnx", "MatMulInteger", 10, lower_matmul_integer);

void lower_conv_integer(Lower& l) {
  known(l, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"});
  arity(l, 2, 4);
  AttrList conv = conv_attributes(l, need(l, 0), need(l, 1));
  if (l.has_in(2)) (void)one_number(l, 2);
  l.to("ConvInteger", inputs(l), conv);
}
TENON_LOWERING("onnx", "ConvInteger", 10, lower_conv_integer);

}  // namespace
}  // namespace tenon::onnx
