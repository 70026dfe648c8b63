// SPDX-License-Identifier: Apache-2.0
// binary.cpp - elementwise operators with two inputs, and the variadic ones.
#include "common.hpp"

namespace tenon::onnx {
namespace {

// Before opset 7 the second input is broadcast only when asked to, and `axis` is the dimension of the first one where it begins.
tenon_value legacy_second(Lower& l) {
  tenon_value a = need(l, 0), b = need(l, 1);
  if (!l.i("broadcast", 0) || !l.has("axis")) return b;
  int32_t rank = rank_of(l, a, "the attribute axis"), own = rank_of(l, b, "the attribute axis");
  int64_t axis = axis_of(l.i("axis"), rank, true), behind = rank - axis - own;
  if (behind < 0) throw invalid("the second input does not fit at axis " + std::to_string(axis));
  return behind == 0 || own == 0 ? b : l.emit("Unsqueeze", {b, iota(l, own, own + behind)});
}

void legacy(Lower& l, std::string_view op) {
  known(l, {"axis", "broadcast"});
  arity(l, 2, 2);
  l.to(op, {l.in(0), legacy_second(l)});
}

#define TENON_ONNX_BINARY_LEGACY(op, ir)               \
  void legacy_##op(Lower& l) { legacy(l, ir); } \
  TENON_LOWERING("onnx", #op, 1, legacy_##op)
#define TENON_ONNX_BINARY(op, since, ir)               \
  void lower_##op(Lower& l) { same(l, ir, {}, 2, 2); } \
  TENON_LOWERING("onnx", #op, since, lower_##op)

TENON_ONNX_BINARY_LEGACY(Add, "Add");
TENON_ONNX_BINARY_LEGACY(And, "LogicalAnd");
TENON_ONNX_BINARY_LEGACY(Div, "Div");
TENON_ONNX_BINARY_LEGACY(Equal, "Equal");
TENON_ONNX_BINARY_LEGACY(Greater, "Greater");
TENON_ONNX_BINARY_LEGACY(Less, "Less");
TENON_ONNX_BINARY_LEGACY(Mul, "Mul");
TENON_ONNX_BINARY_LEGACY(Or, "LogicalOr");
TENON_ONNX_BINARY_LEGACY(Pow, "Pow");
TENON_ONNX_BINARY_LEGACY(Sub, "Sub");
TENON_ONNX_BINARY_LEGACY(Xor, "NotEqual");

TENON_ONNX_BINARY(Add, 7, "Add");
TENON_ONNX_BINARY(And, 7, "LogicalAnd");
TENON_ONNX_BINARY(BitwiseAnd, 18, "BitwiseAnd");
TENON_ONNX_BINARY(BitwiseOr, 18, "BitwiseOr");
TENON_ONNX_BINARY(BitwiseXor, 18, "BitwiseXor");
TENON_ONNX_BINARY(Div, 7, "Div");
TENON_ONNX_BINARY(Equal, 7, "Equal");
TENON_ONNX_BINARY(Greater, 7, "Greater");
TENON_ONNX_BINARY(GreaterOrEqual, 12, "GreaterEqual");
TENON_ONNX_BINARY(Less, 7, "Less");
TENON_ONNX_BINARY(LessOrEqual, 12, "LessEqual");
TENON_ONNX_BINARY(Mul, 7, "Mul");
TENON_ONNX_BINARY(Or, 7, "LogicalOr");
TENON_ONNX_BINARY(Pow, 7, "Pow");
TENON_ONNX_BINARY(Sub, 7, "Sub");
TENON_ONNX_BINARY(Xor, 7, "NotEqual");

#undef TENON_ONNX_BINARY
#undef TENON_ONNX_BINARY_LEGACY

void lower_mod(Lower& l) { same(l, "Mod", {"fmod"}, 2, 2); }
TENON_LOWERING("onnx", "Mod", 10, lower_mod);

void lower_bit_shift(Lower& l) { same(l, "BitShift", {"direction"}, 2, 2); }
TENON_LOWERING("onnx", "BitShift", 11, lower_bit_shift);

void lower_where(Lower& l) { same(l, "Where", {}, 3, 3); }
TENON_LOWERING("onnx", "Where", 9, lower_where);

// Before opset 7 a slope with more than one element is one number for each channel.
void legacy_prelu(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  tenon_value x = need(l, 0), slope = need(l, 1);
  auto s = l.info(slope);
  bool one = s.rank() == 0 || (s.rank() == 1 && s.dim(0) == 1);
  if (!one) {
    if (rank_of(l, slope, "the slope's broadcasting") != 1) throw unsupported("the slope must have one dimension");
    int32_t rank = rank_of(l, x, "the slope's broadcasting");
    if (rank > 2) slope = l.emit("Unsqueeze", {slope, iota(l, 1, rank - 1)});
  }
  l.to("PRelu", {x, slope});
}
TENON_LOWERING("onnx", "PRelu", 1, legacy_prelu);

void lower_prelu(Lower& l) { same(l, "PRelu", {}, 2, 2); }
TENON_LOWERING("onnx", "PRelu", 7, lower_prelu);

// op(op(x0, x1), x2)...
tenon_value chain(Lower& l, std::string_view op) {
  known(l, {});
  arity(l, 1, UINT64_MAX);
  tenon_value v = need(l, 0);
  for (uint64_t k = 1; k < l.n_in(); ++k) v = l.emit(op, {v, need(l, k)});
  return v;
}
void variadic(Lower& l, std::string_view op) {
  if (l.n_in() == 1) return same(l, "Identity", {}, 1, 1);
  l.done({chain(l, op)});
}
void lower_max(Lower& l) { variadic(l, "Maximum"); }
TENON_LOWERING("onnx", "Max", 1, lower_max);
void lower_min(Lower& l) { variadic(l, "Minimum"); }
TENON_LOWERING("onnx", "Min", 1, lower_min);
void lower_sum(Lower& l) { variadic(l, "Add"); }
TENON_LOWERING("onnx", "Sum", 1, lower_sum);

void lower_mean(Lower& l) {
  if (l.n_in() == 1) return same(l, "Identity", {}, 1, 1);
  tenon_value sum = chain(l, "Add");
  l.to("Div", {sum, scalar_like(l, l.in(0), static_cast<double>(l.n_in()))});
}
TENON_LOWERING("onnx", "Mean", 1, lower_mean);

}  // namespace
}  // namespace tenon::onnx
