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
};

struct ArenaOptions {
  uint64_t align = 64;     ///< of every offset; sizes are rounded up to it
  uint64_t capacity = 0;   ///< bytes that are good enough; 0: the lower bound
  /// Elementary operations that the search may take, some 2e8 in a second. The same plan comes out on every machine.
  uint64_t most_work = uint64_t{1} << 28;
  /// Last resort on a machine that is very slow: no new attempt of the search begins after these many seconds.
  double most_seconds = 60;
};

struct ArenaPlan {
  std::vector<uint64_t> offset;  ///< for each interval
  uint64_t height = 0;           ///< bytes needed
  uint64_t lower_bound = 0;      ///< most bytes alive at any one step: no plan needs fewer
  uint64_t work = 0;             ///< of the search; 0 when a greedy order was good enough
};

/// Buffers that share a step never overlap. Greedy orders first, then a search, each only while the plan is above the
/// goal: O(n log n) and the number of conflicting pairs, of which a part is looked at where there are very many.
ArenaPlan plan_arena(const std::vector<Interval>& intervals, const ArenaOptions& options = {});

}  // namespace tenon::cpu
