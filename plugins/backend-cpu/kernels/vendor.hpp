// SPDX-License-Identifier: Apache-2.0
// vendor.hpp - kernels for target "cpu" that other plugins bring through the public door.
#pragma once
#include "../planner/builder.hpp"

namespace tenon::cpu {

/// A registered kernel that takes the node at no more than `own_cost`, or nullptr.
const tenon_kernel* vendor_kernel(const Builder& b, const PlanNode& n, int32_t own_cost);

}  // namespace tenon::cpu
