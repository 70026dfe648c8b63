// SPDX-License-Identifier: Apache-2.0
// binary.cpp - arithmetic, comparison and logic of two operands.
#include "emit.hpp"

namespace tenon::to_onnx {

Value floor_div(Emit& e, Value a, Value b) { return e.op("Div", {e.op("Sub", {a, e.op("Mod", {a, b})}), b}); }

namespace {

const std::vector<tenon_dtype> kWide = {dt::f16, dt::f32, dt::f64, dt::bf16, dt::i32, dt::i64, dt::u32, dt::u64};

/// The operator on operands of a type that it takes; the result is cut back to the node's type.
void arithmetic(Emit& e, std::string_view name, const std::vector<tenon_dtype>& takes, const AttrList& attrs = {}) {
  const tenon_dtype t = e.type(e.in(0));
  const Value a = e.widened(e.in(0), takes), b = e.widened(e.in(1), takes);
  const Value y = e.op(name, {a, b}, attrs);
  e.done({a == e.in(0) ? y : e.op("Cast", {y}, AttrList{}.set("to", data_type(t)))});
}

// Opset 13 knows the wide types only. Sums and products modulo 2^n do not depend on the width.
void basic(Emit& e, std::string_view name) {
  if (e.opset() >= 14) return e.same(name);
  arithmetic(e, name, kWide);
}
void add(Emit& e) { basic(e, "Add"); }
ONNX_RULE("Add", add);
void sub(Emit& e) { basic(e, "Sub"); }
ONNX_RULE("Sub", sub);
void mul(Emit& e) { basic(e, "Mul"); }
ONNX_RULE("Mul", mul);
void div(Emit& e) { basic(e, "Div"); }
ONNX_RULE("Div", div);

void maximum(Emit& e) { e.same("Max"); }
ONNX_RULE("Maximum", maximum);
void minimum(Emit& e) { e.same("Min"); }
ONNX_RULE("Minimum", minimum);

void floor_div_rule(Emit& e) {
  const tenon_dtype t = e.type(e.in(0));
  if (is_float(t)) return e.to("Floor", {e.op("Div", {e.in(0), e.in(1)})});
  if (t.code == TENON_DT_UINT) return basic(e, "Div");
  const std::vector<tenon_dtype> takes = {dt::i32, dt::i64};
  const Value y = floor_div(e, e.widened(e.in(0), takes), e.widened(e.in(1), takes));
  e.done({t.bits >= 32 ? y : e.op("Cast", {y}, AttrList{}.set("to", data_type(t)))});
}
ONNX_RULE("FloorDiv", floor_div_rule);

// On floats ONNX has the remainder of the dividend's sign only.
void mod(Emit& e) {
  const bool fmod = e.i("fmod") != 0;
  const tenon_dtype t = e.type(e.in(0));
  AttrList a;
  a.add("fmod", fmod || is_float(t) ? 1 : 0);
  const Value x = e.in(0), y = e.in(1), r = e.op("Mod", {x, y}, a);
  if (fmod || !is_float(t)) return e.done({r});
  const Value zero = e.number(t, 0), nonzero = e.op("Not", {e.op("Equal", {r, zero})});
  const Value signs_differ = e.op("Xor", {e.op("Less", {r, zero}), e.op("Less", {y, zero})});
  e.done({e.where(e.op("And", {nonzero, signs_differ}), e.op("Add", {r, y}), r)});
}
ONNX_RULE("Mod", mod);

void pow(Emit& e) {
  const std::vector<tenon_dtype> takes = {dt::f16, dt::f32, dt::f64, dt::bf16, dt::i32, dt::i64};
  const tenon_dtype t = e.type(e.in(0));
  const Value x = e.widened(e.in(0), takes), y = e.op("Pow", {x, e.in(1)});
  e.done({x == e.in(0) ? y : e.op("Cast", {y}, AttrList{}.set("to", data_type(t)))});
}
ONNX_RULE("Pow", pow);

// atan(a / b), turned by half a circle where b is negative; b = 0 has the quarter circles.
void atan2(Emit& e) {
  constexpr double pi = 3.14159265358979323846;
  const tenon_dtype t = e.type(e.in(0));
  auto number = [&](double v) { return e.number(t, v); };
  const Value a = e.in(0), b = e.in(1), zero = number(0);
  const Value angle = e.op("Atan", {e.op("Div", {a, b})}), below = e.op("Less", {a, zero});
  const Value turned = e.op("Add", {angle, e.where(below, number(-pi), number(pi))});
  const Value upright = e.where(below, number(-pi / 2), e.where(e.op("Greater", {a, zero}), number(pi / 2), zero));
  e.done({e.where(e.op("Equal", {b, zero}), upright, e.where(e.op("Less", {b, zero}), turned, angle))});
}
ONNX_RULE("Atan2", atan2);

// ONNX shifts numbers without a sign. A signed one is multiplied, or divided with rounding down, by a power of two.
void bit_shift(Emit& e) {
  const tenon_dtype t = e.type(e.in(0));
  if (t.code == TENON_DT_UINT) return e.same("BitShift", {"direction"});
  const Value x = e.cast(e.in(0), dt::i64), power = e.op("Pow", {e.whole(dt::i64, 2), e.cast(e.in(1), dt::i64)});
  const Value y = e.s("direction") == "LEFT" ? e.op("Mul", {x, power}) : floor_div(e, x, power);
  e.done({t == dt::i64 ? y : e.op("Cast", {y}, AttrList{}.set("to", data_type(t)))});
}
ONNX_RULE("BitShift", bit_shift);

void bitwise(Emit& e, std::string_view name) {
  e.need_opset(18);
  e.same(name);
}
void bitwise_and(Emit& e) { bitwise(e, "BitwiseAnd"); }
ONNX_RULE("BitwiseAnd", bitwise_and);
void bitwise_or(Emit& e) { bitwise(e, "BitwiseOr"); }
ONNX_RULE("BitwiseOr", bitwise_or);
void bitwise_xor(Emit& e) { bitwise(e, "BitwiseXor"); }
ONNX_RULE("BitwiseXor", bitwise_xor);

void need_comparable(Emit& e) {
  if (e.type(e.in(0)) == dt::string) e.need_opset(19);
}
void equal(Emit& e) {
  need_comparable(e);
  e.same("Equal");
}
ONNX_RULE("Equal", equal);
void not_equal(Emit& e) {
  need_comparable(e);
  e.to("Not", {e.op("Equal", {e.in(0), e.in(1)})});
}
ONNX_RULE("NotEqual", not_equal);
void greater(Emit& e) { e.same("Greater"); }
ONNX_RULE("Greater", greater);
void greater_equal(Emit& e) { e.same("GreaterOrEqual"); }
ONNX_RULE("GreaterEqual", greater_equal);
void less(Emit& e) { e.same("Less"); }
ONNX_RULE("Less", less);
void less_equal(Emit& e) { e.same("LessOrEqual"); }
ONNX_RULE("LessEqual", less_equal);
void logical_and(Emit& e) { e.same("And"); }
ONNX_RULE("LogicalAnd", logical_and);
void logical_or(Emit& e) { e.same("Or"); }
ONNX_RULE("LogicalOr", logical_or);
void where(Emit& e) { e.same("Where"); }
ONNX_RULE("Where", where);

}  // namespace
}  // namespace tenon::to_onnx
