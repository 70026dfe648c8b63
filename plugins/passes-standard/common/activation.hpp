// SPDX-License-Identifier: Apache-2.0
// activation.hpp - an activation node as the attributes `activation` and `activation_params` of the node before it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/constants.hpp"
#include <tenon/rewriter.hpp>

namespace tenon::passes {

inline const std::vector<const char*>& activation_operators() {
  static const std::vector<const char*> all = {"Relu", "Clip", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "LeakyRelu", "Elu", "Swish", "Gelu"};
  return all;
}

struct FusedActivation {
  std::string name;
  std::vector<double> params;
};

/// Nothing when the node has bounds that are no constants, or is no floating-point activation.
inline std::optional<FusedActivation> fused_activation(const Rewriter& r, tenon_node n) {
  const Attrs a = r.g.attrs(n);
  if (!is_float(r.g.info(r.g.output(n)).type())) return std::nullopt;
  FusedActivation f{std::string(Graph::op_name(r.g.op(n)).name), {}};
  if (f.name == "LeakyRelu") f.params = {a.f("alpha", 0.01)};
  if (f.name == "Elu" || f.name == "Swish") f.params = {a.f("alpha", 1)};
  if (f.name == "HardSigmoid") f.params = {a.f("alpha", 0.2), a.f("beta", 0.5)};
  if (f.name == "Gelu") f.params = {a.s("approximate", "none") == "tanh" ? 1.0 : 0.0};
  if (f.name != "Clip") return f;
  for (uint64_t k : {1u, 2u}) {
    const tenon_value bound = r.g.input(n, k);
    const auto value = scalar(r.g, bound);
    if ((bound && !value) || (value && std::isnan(*value))) return std::nullopt;
    f.params.push_back(value.value_or(k == 1 ? -HUGE_VAL : HUGE_VAL));
  }
  // min(max(x, low), high) is `high` when the bounds are crossed; fused forms need not agree on that.
  if (f.params[0] > f.params[1]) return std::nullopt;
  if (f.params[0] == 0 && f.params[1] == HUGE_VAL) return FusedActivation{"Relu", {}};
  return f;
}

/// Activation `n` into the node that makes its only input, if that is one of `producers` without an activation.
inline bool fuse_activation(Rewriter& r, tenon_node n, std::initializer_list<const char*> producers) {
  const tenon_value x = r.g.input(n, 0);
  if (!x || !r.single_use(x) || !r.can_forward(r.g.output(n), x)) return false;
  for (const char* op : producers) {
    const tenon_node p = r.made_by(x, op);
    if (!p || r.g.attrs(p).has("activation")) continue;
    const auto f = fused_activation(r, n);
    if (!f) return false;
    AttrList attrs;
    attrs.add("activation", f->name);
    if (!f->params.empty()) attrs.add("activation_params", f->params);
    r.g.set_attrs(p, attrs);
    return r.absorb(n, p);
  }
  return false;
}

}  // namespace tenon::passes
