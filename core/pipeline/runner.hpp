// SPDX-License-Identifier: Apache-2.0
// runner.hpp - runs the stages of a plan one after another.
#pragma once
#include "plan.hpp"

namespace tenon::core {

/// Stops at the first stage that fails; the graph is then as it was before that stage. Every stage is recorded in the report.
Status run_plan(Run& r, const Plan& p);
/// Runs one stage and records it.
Status run_stage(Run& r, Stage& stage);

}  // namespace tenon::core
