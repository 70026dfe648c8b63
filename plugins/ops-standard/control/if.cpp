// SPDX-License-Identifier: Apache-2.0
// If: the outputs of one of two nested graphs.
#include <optional>

#include "control/subgraph.hpp"

namespace tenon::ops {
namespace {

tenon_graph* branch(const Node& node, bool condition) { return required_graph(node, condition ? "then_branch" : "else_branch"); }

std::vector<ValueType> infer_branch(const Node& node, bool condition) {
  auto types = infer_subgraph(node, branch(node, condition), {});
  if (types.size() != node.n_out())
    fail("a branch has another number of outputs than the operator", std::to_string(node.n_out()), std::to_string(types.size()));
  return types;
}

// A branch that cannot run with the shapes at hand is no error while the other one can: models guard such branches by their
// condition. Its outputs are then not known; taking it is the error.
std::optional<std::vector<ValueType>> try_branch(const Node& node, bool condition) {
  try {
    return infer_branch(node, condition);
  } catch (const HostError& e) {
    if (e.code() != TENON_E_INVALID) throw;
    return std::nullopt;
  }
}

void infer(const Node& node) {
  const bool known = node.in(0).has_data() && node.in(0).is_static() && node.in(0).count() == 1;
  if (known) {
    const auto types = infer_branch(node, truth(node.in(0).raw(), "the condition"));
    for (uint32_t k = 0; k < node.n_out(); ++k) types[k].set_out(node, k);
    return;
  }
  const auto then_types = try_branch(node, true);
  const auto else_types = then_types ? try_branch(node, false) : infer_branch(node, false);
  for (uint32_t k = 0; k < node.n_out(); ++k) {
    if (then_types && else_types) merge((*then_types)[k], (*else_types)[k], "the two branches").set_out(node, k);
    else node.set_out_unranked(k, (then_types ? *then_types : *else_types)[k].type);
  }
}

void run(const Node& node) {
  const auto results = node.call_graph(branch(node, truth(node.in(0).raw(), "the condition")), {});
  if (results.size() != node.n_out())
    fail("a branch has another number of outputs than the operator", std::to_string(node.n_out()), std::to_string(results.size()));
  for (uint32_t k = 0; k < node.n_out(); ++k) node.alias_out(k, results[k]);
}

}  // namespace

TENON_OPERATOR("tenon", "If", 1, 0, "(cond: bool) -> (outputs*: any) {then_branch: graph, else_branch: graph}", infer, run);
}  // namespace tenon::ops
