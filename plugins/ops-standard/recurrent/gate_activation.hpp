// SPDX-License-Identifier: Apache-2.0
// gate_activation.hpp - the activations that recurrent operators name in `activations`, with alpha and beta in order of use.
#pragma once
#include "common/infer.hpp"

#include <cmath>

namespace tenon::ops {

struct GateActivation {
  double (*function)(double x, double alpha, double beta);
  double alpha, beta;
  double operator()(double x) const { return function(x, alpha, beta); }
};

struct GateActivationEntry {
  const char* name;
  bool has_alpha, has_beta;
  GateActivation value;
};

inline const std::vector<GateActivationEntry>& gate_activations() {
  static const std::vector<GateActivationEntry> all = {
      {"Relu", false, false, {[](double x, double, double) { return x < 0 ? 0 : x; }, 0, 0}},
      {"Tanh", false, false, {[](double x, double, double) { return std::tanh(x); }, 0, 0}},
      {"Sigmoid", false, false, {[](double x, double, double) { return 1 / (1 + std::exp(-x)); }, 0, 0}},
      {"Affine", true, true, {[](double x, double a, double b) { return a * x + b; }, 1, 0}},
      {"LeakyRelu", true, false, {[](double x, double a, double) { return x < 0 ? a * x : x; }, 0.01, 0}},
      {"ThresholdedRelu", true, false, {[](double x, double a, double) { return x > a ? x : 0; }, 1, 0}},
      {"ScaledTanh", true, true, {[](double x, double a, double b) { return a * std::tanh(b * x); }, 1, 1}},
      {"HardSigmoid", true, true, {[](double x, double a, double b) { return std::min(std::max(a * x + b, 0.0), 1.0); }, 0.2, 0.5}},
      {"Elu", true, false, {[](double x, double a, double) { return x < 0 ? a * std::expm1(x) : x; }, 1, 0}},
      {"Softsign", false, false, {[](double x, double, double) { return x / (1 + std::fabs(x)); }, 0, 0}},
      {"Softplus", false, false, {[](double x, double, double) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }, 0, 0}}};
  return all;
}

inline const GateActivationEntry& find_gate_activation(std::string_view name) {
  auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  for (const auto& e : gate_activations()) {
    const std::string_view known = e.name;
    if (known.size() == name.size() && std::equal(known.begin(), known.end(), name.begin(), same)) return e;
  }
  throw invalid("activation '" + std::string(name) + "' of a recurrent operator is not known");
}

/// `per_direction` functions for each direction; `defaults` where the node names none. alpha and beta are taken one after the
/// other by the functions that have them.
inline std::vector<GateActivation> read_gate_activations(const Node& node, int64_t directions, const std::vector<std::string>& defaults) {
  std::vector<std::string> names = node.strings("activations");
  if (names.empty())
    for (int64_t d = 0; d < directions; ++d) names.insert(names.end(), defaults.begin(), defaults.end());
  const size_t wanted = static_cast<size_t>(directions) * defaults.size();
  if (names.size() != wanted) fail("activations has a wrong length", std::to_string(wanted), std::to_string(names.size()));
  const auto alpha = node.floats("activation_alpha"), beta = node.floats("activation_beta");
  size_t a = 0, b = 0;
  std::vector<GateActivation> r;
  for (const auto& name : names) {
    const GateActivationEntry& e = find_gate_activation(name);
    r.push_back(e.value);
    if (e.has_alpha && a < alpha.size()) r.back().alpha = alpha[a++];
    if (e.has_beta && b < beta.size()) r.back().beta = beta[b++];
  }
  return r;
}

}  // namespace tenon::ops
