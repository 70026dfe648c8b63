// SPDX-License-Identifier: Apache-2.0
#include "activation.hpp"

#include <cmath>
#include <utility>

namespace tenon::cpu {

std::optional<Activation> unary_of(std::string_view op, const Attrs& attrs) {
  static const std::pair<std::string_view, Unary> plain[] = {
      {"Relu", Unary::relu}, {"Sigmoid", Unary::sigmoid}, {"Tanh", Unary::tanh}, {"HardSwish", Unary::hard_swish}, {"Abs", Unary::abs}, {"Sqrt", Unary::sqrt},
      {"Neg", Unary::neg}, {"Exp", Unary::exp}, {"Log", Unary::log}, {"Erf", Unary::erf}, {"Reciprocal", Unary::reciprocal}, {"Rsqrt", Unary::rsqrt},
      {"Floor", Unary::floor}, {"Ceil", Unary::ceil}, {"Round", Unary::round}, {"Sign", Unary::sign}, {"Softplus", Unary::softplus}, {"Sin", Unary::sin}, {"Cos", Unary::cos}};
  for (const auto& [name, kind] : plain)
    if (op == name) return Activation{kind};
  auto f = [&](const char* name, double otherwise) { return static_cast<float>(attrs.f(name, otherwise)); };
  if (op == "LeakyRelu") return Activation{Unary::leaky_relu, f("alpha", 0.01)};
  if (op == "Elu") return Activation{Unary::elu, f("alpha", 1)};
  if (op == "Swish") return Activation{Unary::swish, f("alpha", 1)};
  if (op == "HardSigmoid") return Activation{Unary::hard_sigmoid, f("alpha", 0.2), f("beta", 0.5)};
  if (op == kFakeQuantize) return Activation{Unary::fake_quantize, f("scale", 1), f("zero_point", 0), f("low", 0), f("high", 0)};
  if (op == "Gelu") return Activation{attrs.s("approximate", "none") == "tanh" ? Unary::gelu_tanh : Unary::gelu_erf};
  if (op == "Clip" && (attrs.has("min") || attrs.has("max"))) return Activation{Unary::clip, f("min", -INFINITY), f("max", INFINITY)};
  return std::nullopt;
}

std::optional<Activation> fused_activation(const Attrs& attrs) {
  const std::string name = attrs.s("activation");
  if (name.empty()) return std::nullopt;
  const auto p = attrs.floats("activation_params");
  auto param = [&](size_t k, double otherwise) { return static_cast<float>(k < p.size() ? p[k] : otherwise); };
  if (name == "Clip") return Activation{Unary::clip, param(0, -INFINITY), param(1, INFINITY)};
  if (name == "HardSigmoid") return Activation{Unary::hard_sigmoid, param(0, 0.2), param(1, 0.5)};
  if (name == "LeakyRelu") return Activation{Unary::leaky_relu, param(0, 0.01)};
  if (name == "Elu") return Activation{Unary::elu, param(0, 1)};
  if (name == "Swish") return Activation{Unary::swish, param(0, 1)};
  if (name == "Gelu") return Activation{param(0, 0) != 0 ? Unary::gelu_tanh : Unary::gelu_erf};
  if (auto a = unary_of(name, Attrs())) return a;
  throw unsupported("unknown activation '" + name + "'").with("expected", "Relu, Clip, Sigmoid, Tanh, HardSwish, HardSigmoid, LeakyRelu, Elu, Swish or Gelu");
}

bool keeps_zero(const Activation& a) {
  switch (a.kind) {
    case Unary::sigmoid: case Unary::hard_sigmoid: case Unary::exp: case Unary::log: case Unary::reciprocal: case Unary::rsqrt: case Unary::softplus: case Unary::cos: return false;
    case Unary::clip: return a.a <= 0 && a.b >= 0;
    case Unary::affine: return a.b == 0;
    default: return true;
  }
}

}  // namespace tenon::cpu
