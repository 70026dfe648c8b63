// SPDX-License-Identifier: Apache-2.0
// selection.hpp - one expression of each class, chosen so that the graph from the roots is cheap. What is used twice is paid once.
#pragma once
#include "cost.hpp"

namespace tenon::saturate {

class Selection {
 public:
  Selection(const EGraph& e, CostModel& costs);
  /// First the cheapest trees from the leaves up, then exchanges that make the graph of all roots cheaper, until none does.
  void run(const std::vector<ClassId>& roots);
  /// Cost of the works that are used.
  double cost() const { return total_; }
  NodeId chosen(ClassId c) const { return chosen_[e_.find(c)]; }
  double work_cost(WorkId w) const { return cost_[w]; }

 private:
  using Move = std::vector<std::pair<ClassId, NodeId>>;
  const EGraph& e_;
  std::vector<double> cost_;                     ///< by work
  std::vector<std::vector<NodeId>> outputs_;     ///< by work
  std::vector<NodeId> chosen_;                   ///< by class
  std::vector<uint32_t> refs_, work_refs_;
  std::vector<uint32_t> position_;               ///< by class: what it is made from stands before it
  double total_ = 0;

  void choose_trees();
  void order();
  void use(ClassId c);
  void release(ClassId c);
  bool makes_cycle(const Move& m) const;
  bool try_move(const Move& m);
  void exchange(const Move& m, std::vector<NodeId>* before);
  bool improve();
};

}  // namespace tenon::saturate
