// SPDX-License-Identifier: Apache-2.0
// fuse.hpp - merges nodes where one kernel can do the work of several. What is merged depends on this backend's kernels, so it is
// done here and not by a pass.
#pragma once
#include "builder.hpp"

namespace tenon::cpu {

/// Marks merged nodes as gone; the node that stays holds the rest. Uses are to be counted again afterwards.
void fuse_nodes(Builder& b, std::vector<PlanNode>& nodes, const std::vector<PlanValue>& values, Plan& plan);

}  // namespace tenon::cpu
