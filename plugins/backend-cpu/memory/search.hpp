// SPDX-License-Identifier: Apache-2.0
// search.hpp - branch and bound for a plan of a given height.
#pragma once
#include <optional>

#include "sections.hpp"

namespace tenon::cpu {

/// Where the next block is placed: in the section that fewest blocks can come next in, of those the one with most failures or the one
/// nearest to the last; or in the section where few can, little may be wasted and much has failed, all weighed together.
enum class Focus : uint8_t { scarce, weighed, nearby };

/// One attempt of the search. Attempts with different seeds walk through the same tree in another order.
struct Attempt {
  uint64_t seed = 0;  ///< 0: long-lived blocks first; else that order, disturbed
  Focus focus = Focus::scarce;
  uint64_t work = 0;  ///< elementary operations at most
};

struct SearchResult {
  std::optional<std::vector<int64_t>> offset;  ///< for each block
  bool exhausted = false;                      ///< no plan of this height exists
  uint64_t work = 0;                           ///< elementary operations done
};

/// Looks for offsets of the group's blocks with no block above `capacity`.
SearchResult search_plan(const Group& g, int64_t capacity, const Attempt& attempt);

}  // namespace tenon::cpu
