// SPDX-License-Identifier: Apache-2.0
// greedy.hpp - plans that are made in one go.
#pragma once
#include "sections.hpp"

namespace tenon::cpu {

/// Where each block of a group lies, in units.
struct Placement {
  std::vector<int64_t> offset;
  int64_t height = 0;
};

/// The lowest of several greedy plans; stops at the first that is not above `goal`. `most_pairs` limits the conflicting pairs that
/// the orders other than by time look at.
Placement place_greedily(const Group& g, int64_t goal, uint64_t most_pairs);

}  // namespace tenon::cpu
