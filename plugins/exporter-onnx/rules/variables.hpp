// SPDX-License-Identifier: Apache-2.0
// variables.hpp - ONNX has no state that outlives a run: a variable becomes an input and an output, which the caller connects.
#pragma once
#include "../settings.hpp"

#include <map>

namespace tenon::to_onnx {

/// Input of the main graph -> constant that is its default.
using Defaults = std::map<tenon_value, tenon_value>;

/// A ReadVariable becomes an input named as the variable, whose default is the initial value where that is constant; an
/// AssignVariable becomes an output. Throws where a variable is assigned twice, or inside of a nested graph.
Defaults variables_to_interface(const Ctx& ctx, Graph& g);

}  // namespace tenon::to_onnx
