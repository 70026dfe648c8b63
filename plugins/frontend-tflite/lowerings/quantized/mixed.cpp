// SPDX-License-Identifier: Apache-2.0
// mixed.cpp - PRELU, L2_NORMALIZATION and EMBEDDING_LOOKUP of quantized tensors.
#include "build.hpp"
#include "dispatch.hpp"
#include "float_form.hpp"
#include "options.hpp"

namespace tenon::tflite::quantized {
namespace {

bool lower_prelu(Lower& l) {
  const Affine in = input_affine(l, 0), alpha = input_affine(l, 1), out = output_affine(l);
  if (!is_quantized(in) || !is_quantized(alpha) || !is_quantized(out)) return false;
  known(l, {});
  Build b(l);
  const tenon_value x = b.centred(l.in(0), in.one_zero()), product = b.emit("Mul", {x, b.centred(l.in(1), alpha.one_zero())});
  const Requantized to{out.type, out.one_zero(), {}};
  const float scale = in.one_scale() / out.one_scale(), negative = in.one_scale() * alpha.one_scale() / out.one_scale();
  const tenon_value same = requantize(b, x, {static_cast<double>(scale)}, to), scaled = requantize(b, product, {static_cast<double>(negative)}, to);
  finish(l, {b.emit("Where", {b.emit("GreaterEqual", {x, b.scalar(int32_t{0})}), same, scaled})});
  return true;
}
TENON_TFLITE_QUANTIZED("PRELU", lower_prelu);

/// The output's scale is 1 / 128.
bool lower_l2_normalization(Lower& l) {
  const Affine in = input_affine(l, 0), out = output_affine(l);
  if (!is_quantized(in) || !is_quantized(out)) return false;
  known(l, {"fused_activation_function"});
  if (activation(l) != "NONE") throw unsupported("L2_NORMALIZATION of quantized tensors has no fused activation").with("found", activation(l));
  Build b(l);
  const tenon_value x = b.cast(b.centred(l.in(0), in.one_zero()), dt::f32);
  const tenon_value sum = b.emit("ReduceSum", {b.emit("Mul", {x, x}), b.ints({-1})}, AttrList{}.set("keepdims", 1));
  const tenon_value root = b.emit("Sqrt", {b.emit("Maximum", {sum, b.scalar(1.0f)})});
  finish(l, {quantize(b, b.emit("Div", {x, root}), out)});
  return true;
}
TENON_TFLITE_QUANTIZED("L2_NORMALIZATION", lower_l2_normalization);

/// Rows of a quantized table as floats.
bool lower_embedding_lookup(Lower& l) {
  const Affine table = input_affine(l, 1);
  if (!table || !is_int(table.type) || !is_float(output_affine(l).type)) return false;
  known(l, {});
  if (table.per_axis() && table.axis != 0) throw unsupported("the scales of a looked-up table must lie along its rows").with("found", "dimension " + std::to_string(table.axis));
  Build b(l);
  auto rows = [&](tenon_value of) { return b.emit("Gather", {of, l.in(0)}, AttrList{}.set("axis", 0)); };
  if (!table.per_axis()) {
    finish(l, {b.emit("DequantizeLinear", {rows(l.in(1)), b.scalar(table.one_scale()), b.integer(table.type.bits < 8 ? dt::i8 : table.type, table.one_zero())})});
    return true;
  }
  std::vector<int64_t> behind{-1};
  for (int32_t k = 1; k < rank_of(l, l.in(1)); ++k) behind.push_back(1);
  const tenon_value scale = b.reshape(rows(b.constant({static_cast<int64_t>(table.scale.size())}, table.scale)), behind);
  finish(l, {b.emit("Mul", {b.cast(rows(l.in(1)), dt::f32), scale})});
  return true;
}
TENON_TFLITE_QUANTIZED("EMBEDDING_LOOKUP", lower_embedding_lookup);

}  // namespace
}  // namespace tenon::tflite::quantized
