// SPDX-License-Identifier: Apache-2.0
// If: the outputs of one of two nested graphs.
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

void infer(const Node& node) {
  const auto then_types = infer_branch(node, true), else_types = infer_branch(node, false);
  const bool known = node.in(0).has_data() && node.in(0).is_static() && node.in(0).count() == 1;
  for (uint32_t k = 0; k < node.n_out(); ++k) {
    if (known) (truth(node.in(0).raw(), "the condition") ? then_types : else_types)[k].set_out(node, k);
    else merge(then_types[k], else_types[k], "the two branches").set_out(node, k);
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
