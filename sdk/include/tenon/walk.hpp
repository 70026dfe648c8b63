// SPDX-License-Identifier: Apache-2.0
// walk.hpp - every graph of a model: the main graph and all that nodes hold as attributes.
#pragma once
#include <vector>

#include "graph.hpp"

TENON_NAMESPACE_BEGIN

/// Graphs that a node holds as attributes, in attribute order.
inline std::vector<tenon_graph*> held_graphs(const Graph& g, tenon_node n) {
  std::vector<tenon_graph*> r;
  for (const tenon_attr& a : g.attrs(n).all()) {
    if (a.type == TENON_AT_GRAPH) r.push_back(a.v.graph);
    if (a.type == TENON_AT_GRAPHS) r.insert(r.end(), a.v.graphs, a.v.graphs + a.count);
  }
  return r;
}

/// Nodes of g and of all graphs nested in it, topological in each graph; a node stands before the nodes that it holds.
inline std::vector<tenon_node> all_nodes(const Graph& g) {
  std::vector<tenon_node> r;
  std::vector<tenon_graph*> open = {g.raw()};
  while (!open.empty()) {
    Graph here(g.ctx(), open.back());
    open.pop_back();
    const View v = here.view();
    for (uint64_t row = 0; row < v.size(); ++row) {
      r.push_back(v.node(row));
      if (!(v.v->nflags[row] & TENON_NF_SUBGRAPHS)) continue;
      for (tenon_graph* inner : held_graphs(here, v.node(row))) open.push_back(inner);
    }
  }
  return r;
}

TENON_NAMESPACE_END
