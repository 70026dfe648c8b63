// SPDX-License-Identifier: Apache-2.0
// Loop: runs a nested graph at most M times while its condition holds. The body takes (iteration, condition, states...) and gives
// (condition, states..., scan values...); scan values are stacked along a new first axis.
#include "control/subgraph.hpp"

namespace tenon::ops {
namespace {

struct LoopParts {
  uint32_t states, scans;
  explicit LoopParts(const Node& node) : states(node.n_in() > 2 ? node.n_in() - 2 : 0), scans(0) {
    if (node.n_out() < states) fail("a loop has fewer outputs than states", "at least " + std::to_string(states), std::to_string(node.n_out()));
    scans = node.n_out() - states;
  }
  void check(size_t outputs) const {
    if (outputs != 1 + states + scans)
      fail("the loop's body has a wrong number of outputs", std::to_string(1 + states + scans), std::to_string(outputs));
  }
};

void infer(const Node& node) {
  const LoopParts parts(node);
  tenon_graph* body = required_graph(node, "body");
  std::vector<ValueType> in = {ValueType(dt::i64, {}), ValueType(dt::boolean, {})};
  for (uint32_t k = 0; k < parts.states; ++k) in.emplace_back(node.in(k + 2));
  std::vector<ValueType> out;
  // Each round makes at least one dimension or rank unknown, so this ends.
  for (bool changed = true; changed;) {
    out = infer_subgraph(node, body, in);
    parts.check(out.size());
    changed = false;
    for (uint32_t k = 0; k < parts.states; ++k) {
      ValueType both = merge(in[k + 2], out[k + 1], "a loop's state before and after an iteration");
      changed |= !(both == in[k + 2]);
      in[k + 2] = std::move(both);
    }
  }
  for (uint32_t k = 0; k < parts.states; ++k) in[k + 2].set_out(node, k);
  int64_t length = kUnknown;
  for (uint32_t k = 0; k < parts.scans; ++k) {
    ValueType v = out[1 + parts.states + k];
    if (v.rank < 0) {
      v.set_out(node, parts.states + k);
      continue;
    }
    if (length == kUnknown) length = node.fresh_symbol();
    v.dims.insert(v.dims.begin(), length);
    node.set_out(parts.states + k, v.type, v.dims);
  }
}

void run(const Node& node) {
  const LoopParts parts(node);
  tenon_graph* body = required_graph(node, "body");
  int64_t limit = INT64_MAX;
  if (node.has_in(0)) {
    const auto m = node.in(0).ints();
    if (m.size() != 1) fail("the trip count must be one number", "1 element", std::to_string(m.size()));
    limit = m[0];
  }
  bool go_on = !node.has_in(1) || truth(node.in(1).raw(), "the condition");
  std::vector<const tenon_tensor*> states;
  for (uint32_t k = 0; k < parts.states; ++k) states.push_back(node.in(k + 2).raw());
  std::vector<std::vector<const tenon_tensor*>> scans(parts.scans);
  TensorPool pool;
  for (int64_t i = 0; i < limit && go_on; ++i) {
    std::vector<const tenon_tensor*> in = {pool.scalar(i), pool.scalar(go_on)};
    in.insert(in.end(), states.begin(), states.end());
    const auto out = node.call_graph(body, in);
    parts.check(out.size());
    go_on = truth(out[0], "the condition that the loop's body gives");
    for (uint32_t k = 0; k < parts.states; ++k) states[k] = out[1 + k];
    for (uint32_t k = 0; k < parts.scans; ++k) scans[k].push_back(out[1 + parts.states + k]);
  }
  for (uint32_t k = 0; k < parts.states; ++k) node.alias_out(k, states[k]);
  for (uint32_t k = 0; k < parts.scans; ++k) stack_out(node, parts.states + k, scans[k]);
}

}  // namespace

TENON_OPERATOR("tenon", "Loop", 1, 0, "(M?: i64, cond?: bool, states*: any) -> (outputs*: any) {body: graph}", infer, run);
}  // namespace tenon::ops
