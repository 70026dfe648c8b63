// SPDX-License-Identifier: Apache-2.0
// quantize.cpp - QuantizeLinear and its relatives, and the operators on quantized tensors: those become Dequantize, the float
// operator and Quantize (QLinear...), or the operator on int32 (...Integer). Backends recognize these patterns.
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

// scale * (q - zero point); the scale is one number, or one for each slice along `axis`
tenon_value dequantized(Lower& l, tenon_value q, tenon_value scale, tenon_value zero, int64_t axis) {
  tenon_value scalar = l.ints({});
  bool one = single(l, scale);
  if (one && l.info(scale).rank() == 1) scale = l.emit("Reshape", {scale, scalar});
  if (one && zero && l.info(zero).rank() == 1) zero = l.emit("Reshape", {zero, scalar});
  AttrList a;
  a.add("axis", axis);
  return l.emit("DequantizeLinear", zero ? Values{q, scale, zero} : Values{q, scale}, a);
}

tenon_value as_scalar(Lower& l, tenon_value v) { return l.info(v).rank() == 0 ? v : l.emit("Reshape", {v, l.ints({})}); }

void check_single(const Lower& l, uint64_t k) {
  if (!single(l, need(l, k))) throw unsupported("input " + std::to_string(k) + " must be one number: quantization of the data for each channel is not supported");
}

void lower_qlinear_conv(Lower& l) {
  known(l, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"});
  arity(l, 8, 9);
  for (uint64_t k = 0; k < 8; ++k) need(l, k);
  for (uint64_t k : {1, 2, 6, 7}) check_single(l, k);
  AttrList conv = conv_attributes(l, l.in(0), l.in(3));
  Values in{dequantized(l, l.in(0), l.in(1), l.in(2), 1), dequantized(l, l.in(3), l.in(4), l.in(5), 0)};
  if (l.has_in(8)) in.push_back(dequantized(l, l.in(8), l.emit("Mul", {as_scalar(l, l.in(1)), single(l, l.in(4)) ? as_scalar(l, l.in(4)) : l.in(4)}), 0, 0));
  tenon_value y = l.emit("Conv", in, conv);
  l.to("QuantizeLinear", {y, as_scalar(l, l.in(6)), as_scalar(l, l.in(7))});
}
TENON_LOWERING("onnx", "QLinearConv", 10, lower_qlinear_conv);

void lower_qlinear_matmul(Lower& l) {
  known(l, {});
  arity(l, 8, 8);
  for (uint64_t k = 0; k < 8; ++k) need(l, k);
  for (uint64_t k : {6, 7}) check_single(l, k);
  for (uint64_t k : {1, 4})
    if (!single(l, l.in(k)) && rank_of(l, l.in(k), "the quantized axis") != 1) throw unsupported("scales of stacked matrices are not supported");
  int32_t rank = single(l, l.in(1)) ? 2 : rank_of(l, l.in(0), "the quantized axis");
  int32_t other = single(l, l.in(4)) ? 2 : rank_of(l, l.in(3), "the quantized axis");
  tenon_value a = dequantized(l, l.in(0), l.in(1), l.in(2), rank - 2), b = dequantized(l, l.in(3), l.in(4), l.in(5), other - 1);
  l.to("QuantizeLinear", {l.emit("MatMul", {a, b}), as_scalar(l, l.in(6)), as_scalar(l, l.in(7))});
}
TENON_LOWERING("onnx", "QLinearMatMul", 10, lower_qlinear_matmul);

// q - zero point in int32; `unsqueeze` adds axes behind a zero point with one number for each slice
tenon_value centred(Lower& l, tenon_value q, tenon_value zero, const std::vector<int64_t>& unsqueeze) {
  tenon_value x = cast(l, q, dt::i32);
  if (!zero) return x;
  tenon_value z = cast(l, zero, dt::i32);
  if (!single(l, zero) && !unsqueeze.empty()) {
    if (rank_of(l, zero, "the zero point's broadcasting") == 1) z = l.emit("Unsqueeze", {z, l.ints(unsqueeze)});
  }
  return l.emit("Sub", {x, z});
}

// A's zero point has one number for each row, B's one for each column.
void lower_matmul_integer(Lower& l) {
  known(l, {});
  arity(l, 2, 4);
  tenon_value a = centred(l, need(l, 0), l.in(2), {1}), b = centred(l, need(l, 1), l.in(3), {});
  l.to("MatMul", {a, b});
}
TENON_LOWERING("onnx", "MatMulInteger", 10, lower_matmul_integer);

void lower_conv_integer(Lower& l) {
  known(l, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"});
  arity(l, 2, 4);
  AttrList conv = conv_attributes(l, need(l, 0), need(l, 1));
  std::vector<int64_t> behind;
  for (int64_t k = 1; k < rank_of(l, l.in(1), "the zero point's broadcasting"); ++k) behind.push_back(k);
  if (l.has_in(2)) check_single(l, 2);
  l.to("Conv", {centred(l, l.in(0), l.in(2), {}), centred(l, l.in(1), l.in(3), behind)}, conv);
}
TENON_LOWERING("onnx", "ConvInteger", 10, lower_conv_integer);

}  // namespace
}  // namespace tenon::onnx
