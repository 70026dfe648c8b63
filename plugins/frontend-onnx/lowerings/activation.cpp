// SPDX-License-Identifier: Apache-2.0
// activation.cpp - activation functions.
#include "common.hpp"

namespace tenon::onnx {
namespace {

// One attribute that is always written, so that the IR's defaults do not matter.
AttrList number(const Lower& l, std::string_view name, double otherwise) {
  AttrList a;
  a.add(name, l.f(name, otherwise));
  return a;
}

void lower_clip_attributes(Lower& l) {
  known(l, {"min", "max"});
  arity(l, 1, 1);
  tenon_value x = need(l, 0);
  Values in{x};
  if (l.has("min")) in.push_back(scalar_like(l, x, l.f("min")));
  if (l.has("max")) {
    in.resize(2);
    in.push_back(scalar_like(l, x, l.f("max")));
  }
  l.to("Clip", in);
}
TENON_LOWERING("onnx", "Clip", 1, lower_clip_attributes);

void lower_clip(Lower& l) { same(l, "Clip", {}, 1, 3); }
TENON_LOWERING("onnx", "Clip", 11, lower_clip);

void lower_leaky_relu(Lower& l) {
  known(l, {"alpha"});
  arity(l, 1, 1);
  l.to("LeakyRelu", {need(l, 0)}, number(l, "alpha", 0.01f));
}
TENON_LOWERING("onnx", "LeakyRelu", 1, lower_leaky_relu);

void lower_elu(Lower& l) {
  known(l, {"alpha"});
  arity(l, 1, 1);
  l.to("Elu", {need(l, 0)}, number(l, "alpha", 1));
}
TENON_LOWERING("onnx", "Elu", 1, lower_elu);

// gamma * Elu(x, alpha)
void lower_selu(Lower& l) {
  known(l, {"alpha", "gamma"});
  arity(l, 1, 1);
  bool first = l.version() < 6;
  tenon_value elu = l.emit("Elu", {need(l, 0)}, number(l, "alpha", first ? 1.6732f : 1.67326319217681884765625));
  l.to("Mul", {elu, scalar_like(l, l.in(0), l.f("gamma", first ? 1.0507f : 1.05070102214813232421875))});
}
TENON_LOWERING("onnx", "Selu", 1, lower_selu);

// alpha * Elu(x / alpha)
void lower_celu(Lower& l) {
  known(l, {"alpha"});
  arity(l, 1, 1);
  double alpha = l.f("alpha", 1);
  if (!(alpha > 0)) throw unsupported("alpha must be positive").with("found", std::to_string(alpha));
  tenon_value x = need(l, 0), a = scalar_like(l, x, alpha);
  AttrList one;
  one.add("alpha", 1.0);
  l.to("Mul", {l.emit("Elu", {l.emit("Div", {x, a})}, one), a});
}
TENON_LOWERING("onnx", "Celu", 12, lower_celu);

void lower_hard_sigmoid(Lower& l) {
  known(l, {"alpha", "beta"});
  arity(l, 1, 1);
  AttrList a;
  a.add("alpha", l.f("alpha", 0.2f)).add("beta", l.f("beta", 0.5));
  l.to("HardSigmoid", {need(l, 0)}, a);
}
TENON_LOWERING("onnx", "HardSigmoid", 1, lower_hard_sigmoid);

void lower_thresholded_relu(Lower& l) {
  known(l, {"alpha"});
  arity(l, 1, 1);
  tenon_value x = need(l, 0);
  tenon_value above = l.emit("Greater", {x, scalar_like(l, x, l.f("alpha", 1))});
  l.to("Where", {above, x, scalar_like(l, x, 0)});
}
TENON_LOWERING("onnx", "ThresholdedRelu", 1, lower_thresholded_relu);

void lower_mish(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  tenon_value x = need(l, 0);
  l.to("Mul", {x, l.emit("Tanh", {l.emit("Softplus", {x})})});
}
TENON_LOWERING("onnx", "Mish", 18, lower_mish);

void lower_softsign(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  tenon_value x = need(l, 0);
  l.to("Div", {x, l.emit("Add", {l.emit("Abs", {x}), scalar_like(l, x, 1)})});
}
TENON_LOWERING("onnx", "Softsign", 1, lower_softsign);

// x + bias below -lambd, x - bias above lambd, else 0
void lower_shrink(Lower& l) {
  known(l, {"lambd", "bias"});
  arity(l, 1, 1);
  tenon_value x = need(l, 0);
  double lambd = l.f("lambd", 0.5), bias = l.f("bias", 0);
  tenon_value low = l.emit("Less", {x, scalar_like(l, x, -lambd)}), high = l.emit("Greater", {x, scalar_like(l, x, lambd)});
  tenon_value b = scalar_like(l, x, bias);
  tenon_value rest = l.emit("Where", {high, l.emit("Sub", {x, b}), scalar_like(l, x, 0)});
  l.to("Where", {low, l.emit("Add", {x, b}), rest});
}
TENON_LOWERING("onnx", "Shrink", 9, lower_shrink);

void lower_gelu(Lower& l) {
  known(l, {"approximate"});
  arity(l, 1, 1);
  AttrList a;
  a.add("approximate", l.s("approximate", "none"));
  l.to("Gelu", {need(l, 0)}, a);
}
TENON_LOWERING("onnx", "Gelu", 20, lower_gelu);

void lower_swish(Lower& l) {
  known(l, {"alpha"});
  arity(l, 1, 1);
  l.to("Swish", {need(l, 0)}, number(l, "alpha", 1));
}
TENON_LOWERING("onnx", "Swish", 24, lower_swish);

void lower_swiglu(Lower& l) {
  known(l, {"alpha"});
  arity(l, 2, 2);
  l.to("Mul", {l.emit("Swish", {need(l, 0)}, number(l, "alpha", 1)), need(l, 1)});
}
TENON_LOWERING("onnx", "SwiGLU", 28, lower_swiglu);

}  // namespace
}  // namespace tenon::onnx
