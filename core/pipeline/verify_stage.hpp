// SPDX-License-Identifier: Apache-2.0
// verify_stage.hpp - does a graph compute the same after a stage as before it?
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "input_sets.hpp"

namespace tenon::core {

/// What a pass of this class ("exact", "reassociating", "approximate") may change; nothing for "approximate", which must say.
std::optional<Tolerance> class_tolerance(std::string_view pass_class);

/// Runs and compares graphs. Keeps the outputs of the last graph, which are the "before" of the next stage.
class GraphChecker {
 public:
  /// Inputs for stages that name none: those of the pipeline's own execution.
  std::string default_inputs;
  DimValues default_dims;
  /// The graph was changed without being run.
  void forget();
  /// E_MISMATCH, naming the worst output, when `after` computes something else than `before`. Fills the report's "verify".
  Status check(Session& s, Model& before, Model& after, const VerifyOptions& o, const Tolerance& t, Json* report);

 private:
  std::string key_;  ///< what sets_ was made for; empty = nothing
  InputSets sets_;
  Status prepare(Session& s, Model& before, const VerifyOptions& o, bool exact);
  Status compare_set(Session& s, Model& before, Model& after, const VerifyOptions& o, const Tolerance& t, InputSet* set, SetComparison* found);
};

}  // namespace tenon::core
