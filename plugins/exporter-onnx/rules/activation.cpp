// SPDX-License-Identifier: Apache-2.0
// activation.cpp - activations, alone and as Conv, ConvTranspose and Gemm carry them.
#include <cmath>

#include "emit.hpp"

namespace tenon::to_onnx {

Value gelu(Emit& e, Value x, tenon_dtype type, bool approximate) {
  if (e.opset() >= 20) return e.op("Gelu", {x}, AttrList{}.set("approximate", approximate ? "tanh" : "none"));
  auto number = [&](double v) { return e.number(type, v); };
  auto mul = [&](Value a, Value b) { return e.op("Mul", {a, b}); };
  const Value half = mul(x, number(0.5));
  if (!approximate) return mul(half, e.op("Add", {e.op("Erf", {mul(x, number(std::sqrt(0.5)))}), number(1)}));
  const Value cube = mul(mul(x, x), mul(x, number(0.044715)));
  const Value inner = mul(e.op("Add", {x, cube}), number(std::sqrt(2 / 3.14159265358979323846)));
  return mul(half, e.op("Add", {e.op("Tanh", {inner}), number(1)}));
}

namespace {

Value swish(Emit& e, Value x, tenon_dtype type, double alpha) {
  if (e.opset() >= 24) return e.op("Swish", {x}, AttrList{}.set("alpha", alpha));
  const Value scaled = alpha == 1 ? x : e.op("Mul", {x, e.number(type, alpha)});
  return e.op("Mul", {x, e.op("Sigmoid", {scaled})});
}

Value hard_swish(Emit& e, Value x) {
  if (e.opset() >= 14) return e.op("HardSwish", {x});
  return e.op("Mul", {x, e.op("HardSigmoid", {x}, AttrList{}.set("alpha", 1.0 / 6).set("beta", 0.5))});
}

Value clip(Emit& e, Value x, tenon_dtype type, double low, double high) {
  return e.op("Clip", {x, std::isinf(low) ? 0 : e.number(type, low), std::isinf(high) ? 0 : e.number(type, high)});
}

}  // namespace

Value activation(Emit& e, std::string_view name, const std::vector<double>& params, Value x, tenon_dtype type) {
  auto param = [&](size_t k, double otherwise) { return k < params.size() ? params[k] : otherwise; };
  if (name.empty()) return x;
  if (name == "Relu" || name == "Sigmoid" || name == "Tanh") return e.op(name, {x});
  if (name == "Clip") return clip(e, x, type, param(0, -HUGE_VAL), param(1, HUGE_VAL));
  if (name == "HardSwish") return hard_swish(e, x);
  if (name == "HardSigmoid") return e.op(name, {x}, AttrList{}.set("alpha", param(0, 0.2)).set("beta", param(1, 0.5)));
  if (name == "LeakyRelu") return e.op(name, {x}, AttrList{}.set("alpha", param(0, 0.01)));
  if (name == "Elu") return e.op(name, {x}, AttrList{}.set("alpha", param(0, 1)));
  if (name == "Swish") return swish(e, x, type, param(0, 1));
  if (name == "Gelu") return gelu(e, x, type, param(0, 0) != 0);
  throw unsupported("a fused activation has no form in ONNX").with("found", std::string(name));
}

namespace {

void rule_elu(Emit& e) { e.same("Elu", {"alpha"}); }
ONNX_RULE("Elu", rule_elu);
void rule_hard_sigmoid(Emit& e) { e.same("HardSigmoid", {"alpha", "beta"}); }
ONNX_RULE("HardSigmoid", rule_hard_sigmoid);
void rule_leaky_relu(Emit& e) { e.same("LeakyRelu", {"alpha"}); }
ONNX_RULE("LeakyRelu", rule_leaky_relu);
void rule_sigmoid(Emit& e) { e.same("Sigmoid"); }
ONNX_RULE("Sigmoid", rule_sigmoid);
void rule_softplus(Emit& e) { e.same("Softplus"); }
ONNX_RULE("Softplus", rule_softplus);
void rule_tanh(Emit& e) { e.same("Tanh"); }
ONNX_RULE("Tanh", rule_tanh);
void rule_hard_swish(Emit& e) { e.done({hard_swish(e, e.in(0))}); }
ONNX_RULE("HardSwish", rule_hard_swish);

// com.microsoft has the function by erf without parameters, the one by tanh, and x * sigmoid(alpha * x), each for floats.
bool fits_microsoft(Emit& e) { return e.microsoft() && e.type(e.in(0)) == dt::f32; }

void rule_gelu(Emit& e) {
  const bool approximate = e.s("approximate", "none") == "tanh";
  if (fits_microsoft(e)) return e.done({e.ms(approximate ? "FastGelu" : "Gelu", {e.in(0)})});
  e.done({gelu(e, e.in(0), e.type(e.in(0)), approximate)});
}
ONNX_RULE("Gelu", rule_gelu);

void rule_swish(Emit& e) {
  const double alpha = e.f("alpha", 1);
  if (fits_microsoft(e)) return e.done({e.ms("QuickGelu", {e.in(0)}, AttrList{}.set("alpha", alpha))});
  e.done({swish(e, e.in(0), e.type(e.in(0)), alpha)});
}
ONNX_RULE("Swish", rule_swish);

// Whole numbers came with opset 14; numbers without a sign stay as they are.
void rule_relu(Emit& e) {
  const tenon_dtype t = e.type(e.in(0));
  if (is_float(t) || (e.opset() >= 14 && t.code == TENON_DT_INT)) return e.same("Relu");
  if (t.code == TENON_DT_UINT) return e.to("Identity", {e.in(0)});
  e.to("Max", {e.in(0), e.whole(t, 0)});
}
ONNX_RULE("Relu", rule_relu);

void rule_prelu(Emit& e) {
  const tenon_dtype t = e.type(e.in(0));
  const std::vector<tenon_dtype> takes = {dt::f16, dt::f32, dt::f64, dt::i32, dt::i64, dt::u32, dt::u64};
  const Value y = e.op("PRelu", {e.widened(e.in(0), takes), e.widened(e.in(1), takes)});
  e.done({e.widened(e.in(0), takes) == e.in(0) ? y : e.op("Cast", {y}, AttrList{}.set("to", data_type(t)))});
}
ONNX_RULE("PRelu", rule_prelu);

void rule_clip(Emit& e) {
  Values in = e.inputs();
  for (size_t k = 1; k < in.size(); ++k)
    if (in[k]) in[k] = e.scalar(in[k]);
  e.to("Clip", in);
}
ONNX_RULE("Clip", rule_clip);

}  // namespace
}  // namespace tenon::to_onnx
