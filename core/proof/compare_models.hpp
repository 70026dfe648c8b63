// SPDX-License-Identifier: Apache-2.0
// compare_models.hpp - two models side by side, value by value, in memory for what is live only.
#pragma once
#include "../data/compare.hpp"
#include "../plugin/session.hpp"
#include "matching.hpp"

namespace tenon::core {

struct ValueComparison {
  Match match;
  std::string name_a, name_b, shape_a, shape_b;
  std::string note;          ///< "transposed [0, 2, 3, 1]", "another shape, same order", "not comparable: ..."
  bool comparable = true, departs = false;
  bool moved = false;        ///< departs, but all that is computed from it agrees: a pass did the same work in another order
  Comparison found;          ///< x is of b, y of a
  double relative = 0;       ///< largest difference divided by the largest magnitude of a's value
};
struct ModelComparison {
  std::vector<ValueComparison> values;   ///< in a's order
  std::vector<std::string> notes;
  uint64_t peak_bytes_a = 0, peak_bytes_b = 0;
  const ValueComparison* first() const;  ///< that departs for good; null = none
};

/// Runs a and b on the same inputs: `inputs` in a's order, given to b by name, else by position, transposed where only that fits.
Result<ModelComparison> compare_models(Session& s, Model& a, Model& b, const std::vector<Tensor>& inputs, const Tolerance& t);

}  // namespace tenon::core
