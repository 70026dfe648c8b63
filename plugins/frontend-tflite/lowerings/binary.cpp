// SPDX-License-Identifier: Apache-2.0
// binary.cpp - operators on the elements of two tensors, which broadcast, and choices between them.
#include "lowerings/common/common.hpp"

namespace tenon::tflite {
namespace {

void fused(Lower& l, std::string_view op) {
  known(l, {"fused_activation_function", "pot_scale_int16"});
  arity(l, 2, 2);
  tenon_dtype t = type_of(l, need(l, 0));
  finish(l, {activate(l, l.emit(op, {l.in(0), need(l, 1)}), t)});
}
void lower_add(Lower& l) { fused(l, "Add"); }
void lower_sub(Lower& l) { fused(l, "Sub"); }
void lower_mul(Lower& l) { fused(l, "Mul"); }
void lower_div(Lower& l) { fused(l, "Div"); }
TFLITE_LOWERING("ADD", lower_add);
TFLITE_LOWERING("SUB", lower_sub);
TFLITE_LOWERING("MUL", lower_mul);
TFLITE_LOWERING("DIV", lower_div);

void lower_maximum(Lower& l) { same(l, "Maximum", 2, 2); }
void lower_minimum(Lower& l) { same(l, "Minimum", 2, 2); }
void lower_pow(Lower& l) { same(l, "Pow", 2, 2); }
void lower_floor_div(Lower& l) { same(l, "FloorDiv", 2, 2); }
void lower_floor_mod(Lower& l) { same(l, "Mod", 2, 2); }
void lower_atan2(Lower& l) { same_float(l, "Atan2", 2); }
void lower_equal(Lower& l) { same(l, "Equal", 2, 2); }
void lower_not_equal(Lower& l) { same(l, "NotEqual", 2, 2); }
void lower_less(Lower& l) { same(l, "Less", 2, 2); }
void lower_less_equal(Lower& l) { same(l, "LessEqual", 2, 2); }
void lower_greater(Lower& l) { same(l, "Greater", 2, 2); }
void lower_greater_equal(Lower& l) { same(l, "GreaterEqual", 2, 2); }
void lower_logical_and(Lower& l) { same_bool(l, "LogicalAnd", 2); }
void lower_logical_or(Lower& l) { same_bool(l, "LogicalOr", 2); }
void lower_bitwise_xor(Lower& l) { same(l, type_of(l, need(l, 0)) == dt::boolean ? "NotEqual" : "BitwiseXor", 2, 2); }
TFLITE_LOWERING("MAXIMUM", lower_maximum);
TFLITE_LOWERING("MINIMUM", lower_minimum);
TFLITE_LOWERING("POW", lower_pow);
TFLITE_LOWERING("FLOOR_DIV", lower_floor_div);
TFLITE_LOWERING("FLOOR_MOD", lower_floor_mod);
TFLITE_LOWERING("ATAN2", lower_atan2);
TFLITE_LOWERING("EQUAL", lower_equal);
TFLITE_LOWERING("NOT_EQUAL", lower_not_equal);
TFLITE_LOWERING("LESS", lower_less);
TFLITE_LOWERING("LESS_EQUAL", lower_less_equal);
TFLITE_LOWERING("GREATER", lower_greater);
TFLITE_LOWERING("GREATER_EQUAL", lower_greater_equal);
TFLITE_LOWERING("LOGICAL_AND", lower_logical_and);
TFLITE_LOWERING("LOGICAL_OR", lower_logical_or);
TFLITE_LOWERING("BITWISE_XOR", lower_bitwise_xor);

// Distances outside of the type's bits count as the nearest one that is inside.
void lower_right_shift(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  tenon_dtype t = type_of(l, need(l, 0));
  tenon_value by = clip(l, need(l, 1), t, 0, t.bits - 1);
  to(l, "BitShift", {l.in(0), by}, AttrList{}.set("direction", "RIGHT"));
}
TFLITE_LOWERING("RIGHT_SHIFT", lower_right_shift);

void lower_squared_difference(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  tenon_value d = l.emit("Sub", {need(l, 0), need(l, 1)});
  to(l, "Mul", {d, d});
}
TFLITE_LOWERING("SQUARED_DIFFERENCE", lower_squared_difference);

void lower_add_n(Lower& l) {
  known(l, {});
  arity(l, 1, UINT64_MAX);
  tenon_value sum = need(l, 0);
  for (uint64_t k = 1; k < l.n_in(); ++k) sum = l.emit("Add", {sum, need(l, k)});
  finish(l, {l.n_in() == 1 ? l.emit("Identity", {sum}) : sum});
}
TFLITE_LOWERING("ADD_N", lower_add_n);

// A condition of rank 1 chooses whole slices of the first axis.
void lower_select(Lower& l) {
  known(l, {});
  arity(l, 3, 3);
  tenon_value c = need(l, 0);
  int32_t rank = l.info(need(l, 1)).rank();
  if (l.info(c).rank() == 1 && rank > 1) {
    std::vector<int64_t> axes;
    for (int32_t k = 1; k < rank; ++k) axes.push_back(k);
    c = unsqueeze(l, c, axes);
  }
  to(l, "Where", {c, l.in(1), need(l, 2)});
}
TFLITE_LOWERING("SELECT", lower_select);

void lower_select_v2(Lower& l) { same(l, "Where", 3, 3); }
TFLITE_LOWERING("SELECT_V2", lower_select_v2);

}  // namespace
}  // namespace tenon::tflite
