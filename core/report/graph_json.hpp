// SPDX-License-Identifier: Apache-2.0
// graph_json.hpp - numbers and texts that pictures of a graph are made of.
#pragma once
#include <map>
#include <unordered_map>

#include "../ir/model.hpp"
#include "../plugin/manifest.hpp"

namespace tenon::core {

/// "domain::Name", with "@version" where that is not 1.
std::string op_text(tenon_op op);
/// Value of an attribute, at most about 300 characters. Of tensors the names, never the contents; graphs are "graph NAME".
std::string attr_text(const Model& m, const tenon_attr& a);
/// Bytes of all constants that something uses; a buffer that several share is counted for each.
uint64_t used_constant_bytes(const Model& m);

/// Small numbers for nodes, values, operators and origins, the same in every state of a model.
class GraphNumbers {
 public:
  /// A new model begins: its ids have nothing to do with earlier ones.
  void forget() { nodes_.clear(), values_.clear(); }
  uint32_t node(tenon_node n) { return number(&nodes_, n, &next_node_); }
  uint32_t value(tenon_value v) { return number(&values_, v, &next_value_); }
  uint32_t op(tenon_op op) { return number(&ops_, op, &next_op_); }
  /// [number, operator, name, graph, [inputs], [outputs], [[attribute, text], ...], [origins], number of all origins, [graphs that it holds]]; an absent value is -1.
  Json node_json(const Model& m, tenon_node n);
  /// [number, name, type, bytes of a constant or -1].
  Json value_json(const Model& m, tenon_value v);
  /// [number, name, [inputs], [outputs], [output names]].
  Json graph_json(const tenon_graph& g);
  /// Operators and origins by number.
  Json tables() const;

 private:
  using Table = std::unordered_map<uint64_t, uint32_t>;
  Table nodes_, values_, ops_;
  std::map<std::pair<std::string, std::string>, uint32_t> origins_;
  uint32_t next_node_ = 0, next_value_ = 0, next_op_ = 0;
  static uint32_t number(Table* t, uint64_t id, uint32_t* next);
  Json values_json(const std::vector<tenon_value>& all);
};

}  // namespace tenon::core
