// SPDX-License-Identifier: Apache-2.0
// fold-if: an If whose condition is a constant becomes the nodes of the branch that it takes.
#include <tenon/plugin.hpp>
#include <tenon/rewriting.hpp>

#include "common/constants.hpp"
#include <tenon/walk.hpp>

namespace tenon::passes {
namespace {

uint64_t run(const Ctx& ctx, Graph& g) {
  const tenon_op kIf = Graph::op("If");
  auto nodes = all_nodes(g);
  const RewriteCount count(ctx);
  uint64_t folded = 0;
  // Holders come before what they hold, so an inlined If is met later with its new place.
  for (size_t at = 0; at < nodes.size(); ++at) {
    const tenon_node n = nodes[at];
    if (!g.alive(n) || g.op(n) != kIf) continue;
    const tenon_value condition = g.input(n, 0);
    if (!g.is_constant(condition) || g.info(condition).type() != dt::boolean || g.info(condition).count() != 1) continue;
    const bool taken = g.constant_bytes(condition)[0] != 0;
    tenon_graph* branch = g.attrs(n).graph(taken ? "then_branch" : "else_branch");
    const Ids out = g.outputs(n);
    if (!branch || Graph(ctx.raw(), branch).graph_outputs().size() != out.size()) continue;
    if (!count.may_rewrite(g.raw(), n)) break;
    std::vector<tenon_value> made(out.size());
    ok(api().ir->inline_graph(ctx.raw(), g.raw(), branch, n, nullptr, 0, made.data(), made.size()));
    std::vector<std::string> names;
    for (tenon_value v : out) names.push_back(v ? std::string(g.info(v).name()) : std::string());
    g.replace(n, made);
    for (size_t k = 0; k < made.size(); ++k)
      if (!names[k].empty() && g.producer(made[k]) && g.info(made[k]).is_output()) ok(api().ir->set_name(ctx.raw(), g.raw(), 0, made[k], str(names[k])));
    if (g.info(condition).n_uses() == 0) ok(api().ir->erase_constants(ctx.raw(), g.raw(), 1, &condition));
    count.rewritten();
    ++folded;
  }
  return folded;
}

}  // namespace

TENON_PASS("fold-if",
           R"("class":"exact","summary":"replace an If with a constant condition by the branch that it takes","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
