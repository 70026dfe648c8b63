// SPDX-License-Identifier: Apache-2.0
// input_sets.hpp - the sets of inputs that a graph is compared with itself on: the user's, or made up so that the graph runs on them.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "../data/compare.hpp"
#include "../data/tensor_set.hpp"
#include "../plugin/session.hpp"
#include "made_inputs.hpp"

namespace tenon::core {

/// Member "verify" of a stage.
struct VerifyOptions {
  bool on = false;
  std::optional<Tolerance> tolerance;  ///< otherwise that of the passes' class
  std::string inputs;                  ///< path; empty = made up
  uint64_t seed = 0;
  int64_t sets = 1;                    ///< of made-up inputs with ordinary numbers
  std::optional<bool> edges;           ///< also sets with other sizes, special numbers and no elements; not said: unless that takes long
  DimValues dims;
  std::string backend;                 ///< empty = reference kernels
};
/// Paths are resolved by `resolve`.
VerifyOptions verify_options(const Json& stage, const std::function<std::string(const std::string&)>& resolve);

/// Outputs of the graph, those of each run after the other. A graph with side effects is run twice, since it may remember.
using Outputs = std::vector<Tensor>;
using GraphRunner = std::function<Result<Outputs>(Session& s, Model& m, const std::string& backend, const TensorSet& inputs, int runs)>;
/// Compiles, so that all variables are fresh, runs, and copies the outputs.
Result<Outputs> run_graph(Session& s, Model& m, const std::string& backend, const TensorSet& inputs, int runs);
/// How often the graph is to be run: twice when an operator in it has side effects.
int runs_of(Session& s, const Model& m);

struct InputSet {
  std::string name;           ///< "made up", "edge values", ... or a path
  bool exact_only = false;    ///< passes that may round otherwise may also differ much on it
  TensorSet inputs;
  std::optional<Outputs> outputs;  ///< of the graph that they were computed on last
  std::vector<bool> steady;   ///< by output: the same in every run; others are random
  double cpu_seconds = 0;     ///< of the first run
};

/// Makes sets on which a graph runs.
class InputSets {
 public:
  std::vector<InputSet> sets;
  std::vector<std::string> notes;  ///< what was left out, and why
  int runs = 1;
  /// Fills `sets`, with the outputs of m. Sets that are for exact passes only where `exact`. Fails when m runs on no ordinary inputs.
  Status prepare(Session& s, Model& m, const VerifyOptions& o, const std::string& file, bool exact, const GraphRunner& run);

 private:
  struct Maker;
};

/// What is compared with what: outputs of a set, before and after.
struct SetComparison {
  Json outputs = Json::object();  ///< by name, as a report shows them
  std::vector<Error> misses;
  bool any = false;               ///< something could be compared
};
/// `names` are those of the graph's outputs. Adds to r.
void compare_outputs(const Outputs& after, const InputSet& before, const std::vector<std::string>& names, const Tolerance& t, SetComparison* r);

}  // namespace tenon::core
