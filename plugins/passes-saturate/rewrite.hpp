// SPDX-License-Identifier: Apache-2.0
// rewrite.hpp - a graph as classes of expressions, and back.
#pragma once
#include <tenon/plugin.hpp>

#include "rule.hpp"
#include "selection.hpp"

namespace tenon::saturate {

class Rewrite {
 public:
  /// Adds the graph's nodes to `e`.
  Rewrite(const Ctx& ctx, Graph& g, EGraph& e);
  /// Nodes that may be rewritten.
  size_t size() const { return nodes_.size(); }
  /// Classes of values that something outside of them reads.
  std::vector<ClassId> roots() const;
  /// Of the nodes as they are.
  double cost(const Selection& s) const;
  /// Puts the chosen expressions in the place of the nodes; returns the number of nodes made.
  uint64_t apply(const Selection& s);

 private:
  struct Root {
    tenon_value value;
    ClassId cls;
  };
  const Ctx& ctx_;
  Graph& g_;
  EGraph& e_;
  std::vector<tenon_node> nodes_;
  std::vector<WorkId> works_;  ///< of nodes_
  std::vector<Root> roots_;
  std::unordered_map<tenon_value, ClassId> of_value_;
  std::unordered_map<ClassId, tenon_value> made_;
  uint64_t n_made_ = 0;

  bool add(tenon_node n);
  void find_roots();
  tenon_value value_of(const Selection& s, ClassId c);
  void make(const Selection& s, ClassId c);
  /// The node of a work, of which `first` is the first output.
  std::vector<tenon_value> emit(NodeId first);
  tenon_value literal(const Class& c);
  void replace(const Root& r, tenon_value v);
  void erase_dead();
};

}  // namespace tenon::saturate
