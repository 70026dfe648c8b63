// SPDX-License-Identifier: Apache-2.0
// arena.hpp - static memory planning: where in one block of memory each buffer lies, given when it is alive.
#pragma once
#include <cstdint>
#include <vector>

namespace tenon::cpu {

/// A buffer that is alive from step `lower` up to and including step `upper`.
struct Interval {
  int64_t lower = 0, upper = 0;
  uint64_t size = 0;  ///< bytes
  uint64_t align = 64;
};

struct ArenaPlan {
  std::vector<uint64_t> offset;  ///< for each interval
  uint64_t height = 0;           ///< bytes needed
  uint64_t lower_bound = 0;      ///< most bytes alive at any one step: no plan needs fewer
};

/// Places the largest buffers first, each into the lowest gap that fits best among those alive at the same time.
/// Buffers that share a step never overlap. O(n^2) in the number of intervals.
ArenaPlan plan_arena(const std::vector<Interval>& intervals);

}  // namespace tenon::cpu
