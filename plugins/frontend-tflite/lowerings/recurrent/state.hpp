// SPDX-License-Identifier: Apache-2.0
// state.hpp - recurrent operators' states, which are variables that outlive a run, and the loop over a sequence.
#pragma once
#include <functional>

#include "lowerings/quantized/build.hpp"

namespace tenon::tflite::recurrent {

using quantized::Affine;
using quantized::Build;

/// The variable behind input k, when it is one, holds `next` after this node: for nodes behind it, and for the next run.
void assign_state(Lower& l, uint64_t k, tenon_value next);

/// A step's new states, and its output.
struct Step {
  Values states;
  tenon_value output;
};
using StepFn = std::function<Step(Build& b, const Values& states, tenon_value slice)>;

/// Runs `step` for each slice of `sequence` along `axis`, backwards if `reverse`. Outputs are stacked along the same axis.
Step over_sequence(Build& b, const Values& states, tenon_value sequence, int64_t axis, bool reverse, const StepFn& step);

}  // namespace tenon::tflite::recurrent
