// SPDX-License-Identifier: Apache-2.0
// graph_changes.hpp - which nodes and values differ between two states of a model.
#pragma once
#include <vector>

#include "../ir/model.hpp"

namespace tenon::core {

struct GraphChanges {
  std::vector<tenon_node> removed;  ///< only in the state before
  std::vector<tenon_node> added;    ///< only in the state after; with no state before, all
  std::vector<tenon_node> changed;  ///< other operator, inputs or attributes
  std::vector<tenon_node> touched;  ///< nothing but name or origins differ
  std::vector<tenon_value> values;  ///< new ones, and those with another name, type or kind
  bool none() const { return removed.empty() && added.empty() && changed.empty() && touched.empty() && values.empty(); }
};
/// Costs one look at each node and value. `before` may be null; otherwise `after` came from a copy of it.
GraphChanges graph_changes(const Model* before, const Model& after);

}  // namespace tenon::core
