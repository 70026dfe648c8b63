// SPDX-License-Identifier: Apache-2.0
// layout.hpp - operators that compute the same on transposed data, and what has to change about them.
#pragma once
#include <tenon/plugin.hpp>

#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {

/// new axis k = old axis perm[k].
using Perm = std::vector<int64_t>;

inline Perm inverse(const Perm& p) {
  Perm r(p.size());
  for (size_t k = 0; k < p.size(); ++k) r[static_cast<size_t>(p[k])] = static_cast<int64_t>(k);
  return r;
}

/// How one node runs when its operands are transposed by a permutation.
struct Transposed {
  std::vector<uint8_t> follows;            ///< for each input: 1 = it is to be transposed too
  bool output = true;                      ///< are the outputs transposed then? (a reduction may drop its axes)
  /// Inputs that are small constants about axes, as they are to be; made when the node is rewritten.
  std::vector<std::pair<size_t, std::vector<int64_t>>> ints;
  std::vector<std::pair<size_t, std::vector<float>>> floats;
  AttrList attrs;                          ///< attributes that change
};

/// Nothing when the operator, with these operands, needs its axes where they are.
std::optional<Transposed> transposed(const Graph& g, tenon_node n, const Perm& perm);

}  // namespace tenon::passes
