// SPDX-License-Identifier: Apache-2.0
#include "calls.hpp"

namespace tenon::cpu {
namespace {

std::vector<tenon_node> calls_of(const Graph& g) {
  const tenon_op call = Graph::op("Call");
  const View v = g.view();
  std::vector<tenon_node> r;
  for (uint64_t row = 0; row < v.size(); ++row)
    if (v.op(row) == call) r.push_back(v.node(row));
  return r;
}

}  // namespace

void inline_calls(Graph& g) {
  // A body may hold calls too.
  for (auto calls = calls_of(g); !calls.empty(); calls = calls_of(g))
    for (tenon_node n : calls) {
      const Ids in = g.inputs(n);
      std::vector<tenon_value> made(g.outputs(n).size());
      ok(api().ir->inline_graph(g.ctx(), g.raw(), g.attrs(n).graph("body"), n, in.data(), in.size(), made.data(), made.size()));
      g.replace(n, made);
    }
}

}  // namespace tenon::cpu
