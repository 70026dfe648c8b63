// SPDX-License-Identifier: Apache-2.0
// plan.hpp - a pipeline checked and turned into stages, before anything runs.
#pragma once
#include "stage.hpp"

namespace tenon::core {

struct Plan {
  std::vector<std::unique_ptr<Stage>> stages;
  int64_t threads = 0;            ///< 0 = not said
  std::string execution_inputs;   ///< of the first execute stage: verification uses them unless a stage says otherwise
  DimValues execution_dims;
};

/// Plugins that the pipeline itself names, for Registry::discover. Checks the members outside "stages".
Result<Discovery> config_plugins(const Config& c);
/// Everything that can be known before running: keys, options, ids, files, order of passes. All problems are one E_CONFIG.
Result<Plan> make_plan(Session& s, const Config& c);
/// The plan for people, with what supplies each stage.
std::string explain(const Registry& r, const Plan& p);

}  // namespace tenon::core
