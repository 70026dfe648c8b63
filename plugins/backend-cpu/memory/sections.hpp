// SPDX-License-Identifier: Apache-2.0
// sections.hpp - time made short: only the largest sets of buffers that are alive together matter.
#pragma once
#include <cstddef>

#include "arena.hpp"

namespace tenon::cpu {

/// A buffer over the sections [begin, end), in units of the alignment.
struct Block {
  int32_t begin = 0, end = 0;
  int64_t size = 0;
  uint32_t id = 0;  ///< of the interval
};

/// Blocks that have nothing to do with those of any other group.
struct Group {
  std::vector<Block> blocks;   ///< sections count from 0
  int32_t sections = 0;
  int64_t bound = 0;           ///< most units alive in one section
};

inline bool conflict(const Block& a, const Block& b) { return a.begin < b.end && b.begin < a.end; }

/// A section is a step at which some buffer is born after the last one that died and before the next one dies: the maximal
/// cliques of the interval graph. Two buffers share a section exactly when they share a step. Empty buffers are left out.
std::vector<Group> group_by_time(const std::vector<Interval>& intervals, uint64_t align);

}  // namespace tenon::cpu
