// SPDX-License-Identifier: Apache-2.0
// proof.hpp - what `host bisect` and `host reduce` share: which pipeline, which model, what counts as wrong.
#pragma once
#include "../proof/bisect.hpp"
#include "model_arguments.hpp"

namespace tenon::core::cli {

struct ProofArguments {
  std::string path;                    ///< of a pipeline
  std::string model, name = kDefaultPipeline;  ///< instead of a pipeline file
  std::vector<std::string> shapes, options, dims;
  std::string inputs, backend;
  double absolute = -1, relative = -1, seconds = 120;
  int64_t seed = 0, sets = 1;
  bool edges = false;
};
void add_proof(CLI::App& sub, ProofArguments& a);

/// A pipeline that is planned, and the model that its imports give.
struct Subject {
  explicit Subject(const Common& c) : work(c), run(work.session) {}
  Work work;
  Run run;
  Config config;
  Plan plan;
  Discovery plugins;                   ///< all that were named
};
/// Plans, and runs the imports.
Status open_subject(const Common& c, const ProofArguments& a, Subject* s);
Result<ProofOptions> proof_options(const ProofArguments& a, const Plan& plan);

}  // namespace tenon::core::cli
