// SPDX-License-Identifier: Apache-2.0
// build.hpp - puts an Ast into the IR: each node as it stands, as an operator of its framework's domain.
#pragma once
#include "ast.hpp"

namespace tenon::onnx {

/// Fills the empty main graph `g`. Nodes get domain "onnx" for ai.onnx, else their own, and the version of that domain's opset.
void build(const Ctx& ctx, const tenon_source* source, const File& file, Ast& ast, tenon_graph* g);

}  // namespace tenon::onnx
