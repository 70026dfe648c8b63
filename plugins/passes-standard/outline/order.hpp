// SPDX-License-Identifier: Apache-2.0
// order.hpp - a topological order in which each chosen region stands together. As long as there is one, the regions can all become
// single nodes without a cycle.
#pragma once
#include <vector>

#include "outline/node_table.hpp"

namespace tenon::passes::outline {

class Order {
 public:
  explicit Order(const NodeTable& t);
  /// Moves the region's nodes together; false, and nothing changed, when a path leaves the region and returns to it (or the region is
  /// spread too far to look at). The region's nodes are of one graph and in no other region.
  bool gather(const std::vector<uint32_t>& region);
  /// The region is none any more.
  void release(const std::vector<uint32_t>& region) {
    for (uint32_t n : region) region_of_[n] = kNone;
  }
  uint32_t position(uint32_t node) const { return position_[node]; }

 private:
  const NodeTable& t_;
  std::vector<uint32_t> at_, position_;
  std::vector<uint32_t> region_of_;  ///< of a node; kNone = none
  std::vector<uint8_t> after_;       ///< by node, while a window is looked at
  std::vector<uint8_t> member_;
  uint32_t n_regions_ = 0;
};

}  // namespace tenon::passes::outline
