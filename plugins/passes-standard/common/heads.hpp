// SPDX-License-Identifier: Apache-2.0
// heads.hpp - queries, keys and values [batch, heads, steps, size] traced back to [batch, steps, hidden], where that is how they were made.
#pragma once
#include <optional>

#include "common/views.hpp"

namespace tenon::passes {

/// Columns offset .. offset + heads * size of `base`, seen as [batch, steps, width].
struct Flat {
  tenon_value base = 0;
  int64_t offset = 0, width = 0, columns = 0;
  bool whole() const { return columns == width; }
};

/// v is [batch, heads, steps, size], or with `swapped` [batch, heads, size, steps], and has `heads` of `size`. Nearest first.
std::vector<Flat> flats_of(Rewriter& r, tenon_value v, bool swapped, int64_t heads, int64_t size);

/// One 3-D value for each of the given operands, made before `root` where it is not there yet; nothing when one of them cannot be had.
/// Operands that lie side by side in one value become the parts of one Split.
struct FlatOperand {
  std::vector<Flat> forms;
  int64_t batch, steps;  ///< as in the shapes: numbers or symbols
};
std::optional<std::vector<tenon_value>> flattened(Rewriter& r, tenon_node root, const std::vector<FlatOperand>& operands);

}  // namespace tenon::passes
