// SPDX-License-Identifier: Apache-2.0
// node_table.hpp - the nodes of all graphs of a model in one table, with labels: nodes of one label compute the same from equal inputs.
#pragma once
#include <tenon/plugin.hpp>

#include <string>
#include <unordered_map>
#include <vector>

namespace tenon::passes::outline {

inline constexpr uint32_t kNone = UINT32_MAX;

/// Where a node's input comes from. Values from outside the table's nodes (inputs, constants, enclosing graphs) have no node.
struct Source {
  uint32_t value = kNone;  ///< into NodeTable::value; kNone = absent
  uint32_t node = kNone;
  uint32_t output = 0;
};

struct Use {
  uint32_t node, slot;
};

struct NodeTable {
  std::vector<tenon_node> id;       ///< in topological order, graph by graph
  std::vector<tenon_graph*> graph;
  std::vector<uint32_t> label;      ///< kNone: stays where it is
  std::vector<uint8_t> is_call;
  std::vector<std::vector<Source>> in;
  std::vector<std::vector<uint32_t>> out;     ///< values; kNone = absent
  std::vector<std::vector<uint32_t>> before;  ///< nodes whose outputs it or a graph inside it reads

  std::vector<tenon_value> value;
  std::vector<std::vector<Use>> uses;    ///< as an input of a node
  std::vector<uint64_t> n_uses;          ///< uses of every kind
  std::vector<uint32_t> content;         ///< of constants: equal ones have the same number; else kNone
  uint32_t n_labels = 0;

  size_t size() const { return id.size(); }
};

NodeTable make_table(const Graph& main);

}  // namespace tenon::passes::outline
