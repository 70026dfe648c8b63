// SPDX-License-Identifier: Apache-2.0
// steps.hpp - a pipeline's passes one after another, rounds of repeated groups included, with the graph between them.
#pragma once
#include <memory>

#include "../pipeline/pass_stage.hpp"
#include "../pipeline/plan.hpp"
#include "../plugin/rewrite_control.hpp"

namespace tenon::core {

/// One run of a pass.
struct Step {
  const PassStage* stage = nullptr;
  int64_t round = 0;       ///< in a repeated group, from 1; 0 = in none
  size_t number = 0;       ///< among all runs of passes, from 1
  /// "a-pass", or "a-pass in round 2 of the group at pipeline.json:9:5"
  std::string text() const;
  const PassSpec& spec() const { return stage->spec(); }
  std::string group;       ///< where the group stands
};

/// The graph before the passes and after each one that changed it.
struct Steps {
  struct State {
    std::unique_ptr<Model> model;
    Step by;               ///< what made it; none for the first
  };
  std::vector<State> states;
  std::optional<Step> failing;  ///< the pass that ended the work, on the last state
  std::optional<Error> error;   ///< why
  std::vector<std::string> notes;
};

/// The pass alone, then types and the verifier, as a stage does it; the graph is spoilt after an error. `watch` may be null.
Status run_once(Session& s, Model& m, const PassSpec& p, RewriteWatch* watch);
/// Runs all passes behind the last import, first in a child, so that crashes and passes that give other graphs for the same graph are
/// found out, then here. `model` is what was imported.
Result<Steps> run_steps(Session& s, const Plan& plan, std::unique_ptr<Model> model, double seconds);

/// Same number for graphs that look the same: operators, edges, attributes' kinds, shapes, ends of constants.
uint64_t fingerprint(const Model& m);

}  // namespace tenon::core
