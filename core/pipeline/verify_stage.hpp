// SPDX-License-Identifier: Apache-2.0
// verify_stage.hpp - does a graph compute the same after a stage as before it?
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "../data/compare.hpp"
#include "../data/tensor_set.hpp"
#include "../ir/model.hpp"
#include "../plugin/session.hpp"
#include "inputs.hpp"

namespace tenon::core {

/// Member "verify" of a stage.
struct VerifyOptions {
  bool on = false;
  std::optional<Tolerance> tolerance;  ///< otherwise that of the passes' class
  std::string inputs;                  ///< path; empty = made up
  uint64_t seed = 0;
  DimValues dims;
  std::string backend;                 ///< empty = reference kernels
};
/// Paths are resolved by `resolve`.
VerifyOptions verify_options(const Json& stage, const std::function<std::string(const std::string&)>& resolve);

/// What a pass of this class ("exact", "reassociating", "approximate") may change; nothing for "approximate", which must say.
std::optional<Tolerance> class_tolerance(std::string_view pass_class);

/// Runs and compares graphs. Keeps the outputs of the last graph, which are the "before" of the next stage.
class GraphChecker {
 public:
  /// Inputs for stages that name none: those of the pipeline's own execution.
  std::string default_inputs;
  DimValues default_dims;
  /// The graph was changed without being run.
  void forget() { outputs_.clear(), key_.clear(); }
  /// E_MISMATCH, naming the worst output, when `after` computes something else than `before`. Fills the report's "verify".
  Status check(Session& s, Model& before, Model& after, const VerifyOptions& o, const Tolerance& t, Json* report);

 private:
  std::string key_;                ///< of the inputs that outputs_ belongs to; empty = no outputs
  std::vector<Tensor> outputs_;
  std::string inputs_key_;
  TensorSet inputs_;
  Status read_inputs(const Model& m, const VerifyOptions& o, const std::string& key);
};

/// Compiles, runs once, and copies the outputs.
Result<std::vector<Tensor>> run_graph(Session& s, Model& m, const std::string& backend, const TensorSet& inputs);

}  // namespace tenon::core
