// SPDX-License-Identifier: Apache-2.0
// matmul.cpp - FULLY_CONNECTED and BATCH_MATMUL of quantized tensors, or with quantized weights.
#include "dispatch.hpp"
#include "hybrid.hpp"
#include "image.hpp"
#include "options.hpp"
#include "products.hpp"

namespace tenon::tflite::quantized {
namespace {

/// Data as rows of the weights' depth, or with all its dimensions.
tenon_value dense_rows(Build& b, Lower& l) {
  const ValueInfo i = l.info(l.in(0));
  if (l.i("keep_num_dims")) return l.in(0);
  const int64_t depth = known_dim(l, l.in(1), 1);
  if (i.rank() == 2 && i.dim(1) == depth) return l.in(0);
  return b.reshape(l.in(0), {-1, depth});
}

Values with_zero_points(Build& b, tenon_value x, tenon_value w, const Product& p) {
  const tenon_dtype type = b.info(w).type() == dt::none ? p.w.type : b.info(w).type();
  Values in{x, w, zero_point(b, p.x, p.x.type), p.w.per_axis() ? 0 : zero_point(b, p.w, type)};
  while (!in.back()) in.pop_back();
  return in;
}

bool lower_dense_integer(Lower& l, const Product& p) {
  Build b(l);
  const tenon_value x = dense_rows(b, l), w = b.transpose(whole_bytes(b, l.in(1)), {1, 0});
  const int64_t rank = l.i("keep_num_dims") ? rank_of(l, l.in(0)) : 2;
  const tenon_value sums = b.emit("MatMulInteger", with_zero_points(b, x, w, p));
  finish(l, {finish_product(b, sums, l.has_in(2) ? l.in(2) : 0, p, {rank - 1, rank, activation(l), p.x.type.bits > 8 ? "half_away" : "double_up", !p.w.per_axis()})});
  return true;
}

bool lower_dense_hybrid(Lower& l, const Product& p) {
  Build b(l);
  const tenon_value w = b.transpose(whole_bytes(b, l.in(1)), {1, 0});
  tenon_value y = hybrid_matmul(b, dense_rows(b, l), w, p.w, l.i("asymmetric_quantize_inputs") != 0);
  if (l.has_in(2)) y = b.emit("Add", {y, l.in(2)});
  finish(l, {activated(b, y, activation(l))});
  return true;
}

/// Weights with a scale for each block of numbers along the depth: the data are always quantized asymmetrically, the product is in float.
bool lower_dense_blocks(Lower& l) {
  known(l, {"fused_activation_function", "weights_format", "keep_num_dims", "asymmetric_quantize_inputs", "quantized_bias_type", "quant_spec", "input1_scales", "input1_block_size"});
  if (!is_float(input_affine(l, 0).type)) throw unsupported("weights with a scale for each block need float data").with("found", dtype_name(input_affine(l, 0).type));
  Build b(l);
  const tenon_value scale = b.cast(l.tensor_id("input1_scales"), dt::f32);
  const tenon_value w = b.emit("DequantizeLinear", {l.in(1), scale}, AttrList{}.set("axis", 1).set("block_size", l.i("input1_block_size")));
  const DynamicRows rows = quantize_rows(b, dense_rows(b, l), {-1}, true);
  const tenon_value x = b.emit("Sub", {b.cast(rows.q, dt::f32), b.cast(rows.zero, dt::f32)});
  tenon_value y = b.emit("Mul", {b.emit("MatMul", {x, b.transpose(w, {1, 0})}), rows.scale});
  if (l.has_in(2)) y = b.emit("Add", {y, l.in(2)});
  finish(l, {activated(b, y, activation(l))});
  return true;
}

bool lower_fully_connected(Lower& l) {
  if (l.has("input1_block_size")) return lower_dense_blocks(l);
  const Product p{input_affine(l, 0), input_affine(l, 1), output_affine(l)};
  if (!p.integer() && !is_hybrid(p)) return false;
  known(l, {"fused_activation_function", "weights_format", "keep_num_dims", "asymmetric_quantize_inputs", "quantized_bias_type", "quant_spec"});
  if (const tenon_attr* spec = l.find("quant_spec"); spec && spec->count) throw unsupported("option 'quant_spec' of the operator is not known");
  if (l.s("weights_format", "DEFAULT") != "DEFAULT") throw unsupported("shuffled weights are not supported").with("expected", "DEFAULT").with("found", l.s("weights_format"));
  check_weights(p, 0);
  return p.integer() ? lower_dense_integer(l, p) : lower_dense_hybrid(l, p);
}
TENON_TFLITE_QUANTIZED("FULLY_CONNECTED", lower_fully_connected);

/// v with its last two dimensions exchanged when `wanted`.
tenon_value adjoint(Build& b, const Lower& l, tenon_value v, bool wanted) {
  if (!wanted) return v;
  std::vector<int64_t> order;
  for (int64_t k = 0; k < rank_of(l, v); ++k) order.push_back(k);
  if (order.size() < 2) throw invalid("a matrix has too few dimensions").with("expected", "2 or more");
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return b.transpose(v, order);
}

bool lower_batch_matmul(Lower& l) {
  const Product p{input_affine(l, 0), input_affine(l, 1), output_affine(l)};
  if (!p.integer() && !is_hybrid(p)) return false;
  known(l, {"adj_x", "adj_y", "asymmetric_quantize_inputs"});
  Build b(l);
  const bool integer = p.integer();
  if (p.w.per_axis() && p.w.axis != rank_of(l, l.in(1)) - (l.i("adj_y") ? 2 : 1)) throw unsupported("the right matrix of BATCH_MATMUL must have one scale, or one for each column");
  check_weights(p, p.w.axis);
  // LiteRT takes several scales as none, and gives zeros.
  if (p.w.per_axis() && integer) Ctx(l.graph().ctx()).warn("BATCH_MATMUL of integers by a matrix with one scale for each column: computed as the scales say, where LiteRT's CPU kernel gives zeros");
  const tenon_value x = adjoint(b, l, l.in(0), l.i("adj_x") != 0), w = adjoint(b, l, whole_bytes(b, l.in(1)), l.i("adj_y") != 0);
  if (!integer) {
    finish(l, {hybrid_matmul(b, x, w, p.w, l.i("asymmetric_quantize_inputs") != 0)});
    return true;
  }
  const int64_t rank = rank_of(l, l.in(0));
  finish(l, {finish_product(b, b.emit("MatMulInteger", with_zero_points(b, x, w, p)), 0, p, {rank - 1, rank, "NONE", "double", !p.w.per_axis()})});
  return true;
}
TENON_TFLITE_QUANTIZED("BATCH_MATMUL", lower_batch_matmul);

}  // namespace
}  // namespace tenon::tflite::quantized
