// SPDX-License-Identifier: Apache-2.0
// unary.cpp - functions of one variable.
#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

#define SAME_RULE(ir, onnx)                     \
  void rule_##ir(Emit& e) { e.same(#onnx); }    \
  ONNX_RULE(#ir, rule_##ir)

SAME_RULE(Abs, Abs);
SAME_RULE(Acos, Acos);
SAME_RULE(Acosh, Acosh);
SAME_RULE(Asin, Asin);
SAME_RULE(Asinh, Asinh);
SAME_RULE(Atan, Atan);
SAME_RULE(Atanh, Atanh);
SAME_RULE(Ceil, Ceil);
SAME_RULE(Cos, Cos);
SAME_RULE(Cosh, Cosh);
SAME_RULE(Erf, Erf);
SAME_RULE(Exp, Exp);
SAME_RULE(Floor, Floor);
SAME_RULE(IsNaN, IsNaN);
SAME_RULE(Log, Log);
SAME_RULE(LogicalNot, Not);
SAME_RULE(Neg, Neg);
SAME_RULE(Reciprocal, Reciprocal);
SAME_RULE(Round, Round);
SAME_RULE(Sign, Sign);
SAME_RULE(Sin, Sin);
SAME_RULE(Sinh, Sinh);
SAME_RULE(Sqrt, Sqrt);
SAME_RULE(Tan, Tan);
#undef SAME_RULE

void identity(Emit& e) {
  const uint32_t container = e.type(e.in(0)).flags;
  if (container & TENON_DTF_SEQUENCE) e.need_opset(14);
  if (container & TENON_DTF_OPTIONAL) e.need_opset(16);
  e.same("Identity");
}
ONNX_RULE("Identity", identity);

void rsqrt(Emit& e) { e.to("Reciprocal", {e.op("Sqrt", {e.in(0)})}); }
ONNX_RULE("Rsqrt", rsqrt);

// Before opset 20 only f32 and f64.
void is_inf(Emit& e) {
  const bool any = e.opset() >= 20;
  const Value x = any ? e.in(0) : e.widened(e.in(0), {dt::f32, dt::f64});
  e.to("IsInf", {x}, e.copied({"detect_negative", "detect_positive"}));
}
ONNX_RULE("IsInf", is_inf);

// All bits set, minus the number: -1 - x for signed numbers.
void bitwise_not(Emit& e) {
  if (e.opset() >= 18) return e.same("BitwiseNot");
  const tenon_dtype t = e.type(e.in(0));
  const bool is_unsigned = t.code == TENON_DT_UINT;
  const Value ones = is_unsigned && t.bits == 64 ? e.whole(dt::u64, -1) : e.whole(t, is_unsigned ? (int64_t{1} << t.bits) - 1 : -1);
  e.to("Sub", {ones, e.in(0)});
}
ONNX_RULE("BitwiseNot", bitwise_not);

}  // namespace
}  // namespace tenon::to_onnx
