// SPDX-License-Identifier: Apache-2.0
// inline-calls: each Call becomes the nodes of its body: what outline-repeats did, undone.
#include <tenon/plugin.hpp>
#include <tenon/rewriting.hpp>
#include <tenon/walk.hpp>

namespace tenon::passes {
namespace {

bool inline_call(Graph& main, tenon_node n) {
  tenon_graph* body = main.attrs(n).graph("body");
  const Ids in = main.inputs(n), out = main.outputs(n);
  const Graph inner(main.ctx(), body);
  if (!body || inner.graph_inputs().size() != in.size() || inner.graph_outputs().size() != out.size()) return false;
  std::vector<std::string> names;
  for (tenon_value v : out) names.push_back(v ? std::string(main.info(v).name()) : std::string());
  std::vector<tenon_value> made(out.size());
  ok(api().ir->inline_graph(main.ctx(), main.raw(), body, n, in.data(), in.size(), made.data(), made.size()));
  main.replace(n, made);
  for (size_t k = 0; k < made.size(); ++k)
    if (!names[k].empty() && main.producer(made[k])) ok(api().ir->set_name(main.ctx(), main.raw(), 0, made[k], str(names[k])));
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  const tenon_op call = Graph::op("Call");
  const RewriteCount count(ctx);
  uint64_t inlined = 0;
  // From the inside out, so that a body is copied without calls in it.
  for (bool changed = true; changed;) {
    changed = false;
    const auto nodes = all_nodes(g);
    for (auto n = nodes.rbegin(); n != nodes.rend(); ++n) {
      if (!g.alive(*n) || g.op(*n) != call || !count.may_rewrite(g.raw(), *n) || !inline_call(g, *n)) continue;
      count.rewritten();
      ++inlined;
      changed = true;
    }
  }
  return inlined;
}

}  // namespace

TENON_PASS("inline-calls",
           R"("class":"exact","summary":"replace each Call by the nodes of its body","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
