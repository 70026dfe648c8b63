// SPDX-License-Identifier: Apache-2.0
// activation.hpp - the activation that Conv, ConvTranspose and Gemm carry after fusion: attributes `activation` (a name) and
// `activation_params` (numbers in the order of the operator's attributes).
#pragma once
#include <tenon/node.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

namespace tenon::ops {

class Activation {
 public:
  enum class Kind { none, relu, clip, sigmoid, tanh, hard_swish, hard_sigmoid, leaky_relu, elu, swish, gelu, gelu_tanh };

  Activation() = default;
  /// Throws TENON_E_INVALID for an unknown name or a wrong number of parameters.
  explicit Activation(const Node& node) {
    const std::string name = node.s("activation");
    if (name.empty()) return;
    const auto params = node.floats("activation_params");
    for (const Entry& e : table())
      if (name == e.name) {
        kind_ = e.kind;
        if (params.size() > static_cast<size_t>(e.count))
          throw invalid("activation '" + name + "' has too many parameters")
              .with("expected", "at most " + std::to_string(e.count)).with("found", std::to_string(params.size()));
        a_ = params.size() > 0 ? params[0] : e.a;
        b_ = params.size() > 1 ? params[1] : e.b;
        if (kind_ == Kind::gelu && a_ != 0) kind_ = Kind::gelu_tanh;
        return;
      }
    throw invalid("activation '" + name + "' is not known").with("expected", names());
  }
  bool any() const { return kind_ != Kind::none; }

  double operator()(double x) const {
    switch (kind_) {
      case Kind::none: return x;
      case Kind::relu: return x < 0 ? 0 : x;
      case Kind::clip: return x < a_ ? a_ : x > b_ ? b_ : x;
      case Kind::sigmoid: return sigmoid(x);
      case Kind::tanh: return std::tanh(x);
      case Kind::hard_swish: return x * clamp01(x / 6 + 0.5);
      case Kind::hard_sigmoid: return clamp01(a_ * x + b_);
      case Kind::leaky_relu: return x < 0 ? a_ * x : x;
      case Kind::elu: return x < 0 ? a_ * std::expm1(x) : x;
      case Kind::swish: return x * sigmoid(a_ * x);
      case Kind::gelu: return 0.5 * x * std::erfc(-x * 0.70710678118654752440);
      case Kind::gelu_tanh: return 0.5 * x * (1 + std::tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    }
    return x;
  }
  /// In place over sums; integers know relu and clip only.
  template <class S>
  void apply(S* p, int64_t n) const {
    if (!any()) return;
    if constexpr (std::is_floating_point_v<S>)
      for (int64_t i = 0; i < n; ++i) p[i] = static_cast<S>((*this)(static_cast<double>(p[i])));
  }

 private:
  struct Entry {
    const char* name;
    Kind kind;
    int count;
    double a, b;
  };
  static const std::vector<Entry>& table() {
    static const std::vector<Entry> all = {
        {"Relu", Kind::relu, 0, 0, 0}, {"Clip", Kind::clip, 2, -HUGE_VAL, HUGE_VAL}, {"Sigmoid", Kind::sigmoid, 0, 0, 0},
        {"Tanh", Kind::tanh, 0, 0, 0}, {"HardSwish", Kind::hard_swish, 0, 0, 0}, {"HardSigmoid", Kind::hard_sigmoid, 2, 0.2, 0.5},
        {"LeakyRelu", Kind::leaky_relu, 1, 0.01, 0}, {"Elu", Kind::elu, 1, 1, 0}, {"Swish", Kind::swish, 1, 1, 0},
        {"Gelu", Kind::gelu, 1, 0, 0}};
    return all;
  }
  static std::string names() {
    std::string s;
    for (const Entry& e : table()) s += (s.empty() ? "" : ", ") + std::string(e.name);
    return s;
  }
  static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
  static double clamp01(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

  Kind kind_ = Kind::none;
  double a_ = 0, b_ = 0;
};

/// For inference: an activation that is not known, or one on integers, is an error.
inline void check_activation(const Node& node) {
  if (Activation(node).any() && is_int(node.in(0).type()))
    throw invalid("a fused activation needs a floating-point input").with("found", dtype_name(node.in(0).type()));
}

}  // namespace tenon::ops
