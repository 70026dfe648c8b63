// SPDX-License-Identifier: Apache-2.0
// walk.hpp - every graph of a model: the main graph and all that nodes hold as attributes.
#pragma once
#include <unordered_map>
#include <unordered_set>
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

/// Nodes of g and of all graphs nested in it, topological in each graph; a node stands before the nodes that it holds. A graph that
/// several nodes hold counts once.
inline std::vector<tenon_node> all_nodes(const Graph& g) {
  std::vector<tenon_node> r;
  std::vector<tenon_graph*> open = {g.raw()};
  std::unordered_set<tenon_graph*> shared;
  while (!open.empty()) {
    Graph here(g.ctx(), open.back());
    open.pop_back();
    const View v = here.view();
    for (uint64_t row = 0; row < v.size(); ++row) {
      r.push_back(v.node(row));
      if (!(v.v->nflags[row] & TENON_NF_SUBGRAPHS)) continue;
      for (tenon_graph* inner : held_graphs(here, v.node(row)))
        if (shared.insert(inner).second) open.push_back(inner);
    }
  }
  return r;
}

/// Graphs that several nodes hold. Such a graph reads nothing of other graphs but constants, and a pass must keep it so.
inline std::unordered_set<tenon_graph*> shared_graphs(const Graph& main) {
  std::unordered_map<tenon_graph*, tenon_node> holder;
  std::unordered_set<tenon_graph*> r, seen = {main.raw()};
  std::vector<tenon_graph*> open = {main.raw()};
  while (!open.empty()) {
    Graph here(main.ctx(), open.back());
    open.pop_back();
    const View v = here.view();
    for (uint64_t row = 0; row < v.size(); ++row) {
      if (!(v.v->nflags[row] & TENON_NF_SUBGRAPHS)) continue;
      for (tenon_graph* inner : held_graphs(here, v.node(row))) {
        if (holder.emplace(inner, v.node(row)).first->second != v.node(row)) r.insert(inner);
        if (seen.insert(inner).second) open.push_back(inner);
      }
    }
  }
  return r;
}

TENON_NAMESPACE_END
