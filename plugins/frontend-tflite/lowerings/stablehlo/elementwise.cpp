// SPDX-License-Identifier: Apache-2.0
// elementwise.cpp - StableHLO's operators on each element.
#include "lowerings/common/common.hpp"

namespace tenon::tflite {
namespace {

void lower_logistic(Lower& l) { same_float(l, "Sigmoid", 1); }
void lower_abs(Lower& l) { same(l, "Abs", 1, 1); }
void lower_cosine(Lower& l) { same_float(l, "Cos", 1); }
void lower_exponential(Lower& l) { same_float(l, "Exp", 1); }
void lower_floor(Lower& l) { same_float(l, "Floor", 1); }
void lower_log(Lower& l) { same_float(l, "Log", 1); }
void lower_negate(Lower& l) { same(l, "Neg", 1, 1); }
void lower_rsqrt(Lower& l) { same_float(l, "Rsqrt", 1); }
void lower_tanh(Lower& l) { same_float(l, "Tanh", 1); }
void lower_divide(Lower& l) { same(l, "Div", 2, 2); }
void lower_subtract(Lower& l) { same(l, "Sub", 2, 2); }
void lower_power(Lower& l) { same(l, "Pow", 2, 2); }
void lower_select(Lower& l) { same(l, "Where", 3, 3); }
TFLITE_LOWERING("STABLEHLO_LOGISTIC", lower_logistic);
TFLITE_LOWERING("STABLEHLO_ABS", lower_abs);
TFLITE_LOWERING("STABLEHLO_COSINE", lower_cosine);
TFLITE_LOWERING("STABLEHLO_EXPONENTIAL", lower_exponential);
TFLITE_LOWERING("STABLEHLO_FLOOR", lower_floor);
TFLITE_LOWERING("STABLEHLO_LOG", lower_log);
TFLITE_LOWERING("STABLEHLO_NEGATE", lower_negate);
TFLITE_LOWERING("STABLEHLO_RSQRT", lower_rsqrt);
TFLITE_LOWERING("STABLEHLO_TANH", lower_tanh);
TFLITE_LOWERING("STABLEHLO_DIVIDE", lower_divide);
TFLITE_LOWERING("STABLEHLO_SUBTRACT", lower_subtract);
TFLITE_LOWERING("STABLEHLO_POWER", lower_power);
TFLITE_LOWERING("STABLEHLO_SELECT", lower_select);

// Booleans: the sum is "or", the product "and", as the maximum and the minimum are.
void with_booleans(Lower& l, std::string_view op, std::string_view boolean) { same(l, type_of(l, need(l, 0)) == dt::boolean ? boolean : op, 2, 2); }
void lower_add(Lower& l) { with_booleans(l, "Add", "LogicalOr"); }
void lower_multiply(Lower& l) { with_booleans(l, "Mul", "LogicalAnd"); }
void lower_maximum(Lower& l) { with_booleans(l, "Maximum", "LogicalOr"); }
void lower_minimum(Lower& l) { with_booleans(l, "Minimum", "LogicalAnd"); }
void lower_and(Lower& l) { with_booleans(l, "BitwiseAnd", "LogicalAnd"); }
void lower_or(Lower& l) { with_booleans(l, "BitwiseOr", "LogicalOr"); }
TFLITE_LOWERING("STABLEHLO_ADD", lower_add);
TFLITE_LOWERING("STABLEHLO_MULTIPLY", lower_multiply);
TFLITE_LOWERING("STABLEHLO_MAXIMUM", lower_maximum);
TFLITE_LOWERING("STABLEHLO_MINIMUM", lower_minimum);
TFLITE_LOWERING("STABLEHLO_AND", lower_and);
TFLITE_LOWERING("STABLEHLO_OR", lower_or);

// The remainder has the sign of the dividend.
void lower_remainder(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  to(l, "Mod", {need(l, 0), need(l, 1)}, AttrList{}.set("fmod", 1));
}
TFLITE_LOWERING("STABLEHLO_REMAINDER", lower_remainder);

// Shifting by the type's bits or more gives 0.
void lower_shift_left(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  tenon_dtype t = type_of(l, need(l, 0));
  tenon_value by = clip(l, need(l, 1), t, 0, t.bits - 1), shifted = l.emit("BitShift", {l.in(0), by}, AttrList{}.set("direction", "LEFT"));
  to(l, "Where", {l.emit("Equal", {by, l.in(1)}), shifted, l.scalar_of(t, 0)});
}
TFLITE_LOWERING("STABLEHLO_SHIFT_LEFT", lower_shift_left);

void lower_cbrt(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  tenon_value x = need(l, 0), root = l.emit("Pow", {l.emit("Abs", {x}), scalar_like(l, x, 1.0 / 3)});
  to(l, "Mul", {l.emit("Sign", {x}), root});
}
TFLITE_LOWERING("STABLEHLO_CBRT", lower_cbrt);

// Inputs: lower bound, operand, upper bound.
void lower_clamp(Lower& l) {
  known(l, {});
  arity(l, 3, 3);
  to(l, "Minimum", {l.emit("Maximum", {need(l, 1), need(l, 0)}), need(l, 2)});
}
TFLITE_LOWERING("STABLEHLO_CLAMP", lower_clamp);

void lower_compare(Lower& l) {
  known(l, {"comparison_direction", "compare_type"});
  arity(l, 2, 2);
  static const std::pair<std::string_view, std::string_view> ops[] = {{"EQ", "Equal"}, {"NE", "NotEqual"}, {"GE", "GreaterEqual"}, {"GT", "Greater"}, {"LE", "LessEqual"}, {"LT", "Less"}};
  std::string direction = l.s("comparison_direction");
  constexpr std::string_view kPrefix = "STABLEHLO_COMPARISON_DIRECTION_";
  for (const auto& [name, op] : ops)
    if (direction == std::string(kPrefix) + std::string(name)) return to(l, op, {need(l, 0), need(l, 1)});
  throw unsupported("this comparison is not known").with("found", direction);
}
TFLITE_LOWERING("STABLEHLO_COMPARE", lower_compare);

void lower_convert(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  to(l, "Cast", {need(l, 0)}, AttrList{}.set("to", dtype_name(type_of(l, l.out(0)))));
}
TFLITE_LOWERING("STABLEHLO_CONVERT", lower_convert);

}  // namespace
}  // namespace tenon::tflite
