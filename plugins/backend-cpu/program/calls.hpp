// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <tenon/graph.hpp>

namespace tenon::cpu {

/// Puts the nodes of its body in the place of each Call of g. A call as a step of its own would hide from the planner which buffers die,
/// which neighbours fuse and which inputs are constants to pack; equal primitives and equal constants are shared without it.
void inline_calls(Graph& g);

}  // namespace tenon::cpu
