// SPDX-License-Identifier: Apache-2.0
// model.hpp - a graph of ONNX operators as a file.
#pragma once
#include "../rules/variables.hpp"

namespace tenon::to_onnx {

/// Every node of g and of the graphs nested in it must belong to "onnx" or another of ONNX's domains.
void write_model(const Ctx& ctx, const Graph& g, const Settings& s, const Defaults& defaults, const Sink& to);

}  // namespace tenon::to_onnx
