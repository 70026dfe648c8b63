// SPDX-License-Identifier: Apache-2.0
// translate.hpp - every IR node of a model becomes nodes of ONNX.
#pragma once
#include "rules/variables.hpp"

namespace tenon::to_onnx {

/// Returns the defaults of inputs that variables became. Works on main graph g and all graphs nested in it. What has no rule, and what a rule cannot say, is one error at the end.
Defaults translate(const Ctx& ctx, Graph& g, const Settings& s);

}  // namespace tenon::to_onnx
