// SPDX-License-Identifier: Apache-2.0
// specialize.hpp - what is already decided when the shapes are known is worked out once, at planning time.
#pragma once
#include <tenon/graph.hpp>

namespace tenon::cpu {

/// Evaluates nodes whose inputs are constants and Shape of known shapes, and replaces an If of known condition by its branch.
/// With `infer`, shapes are inferred before and after, until nothing changes.
void specialize(Graph& g, bool infer);

}  // namespace tenon::cpu
