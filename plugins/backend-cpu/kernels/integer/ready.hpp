// SPDX-License-Identifier: Apache-2.0
// ready.hpp - whether the integer kernels take a node. A fused node has inputs X, W, x_zero_point, w_zero_point, bias, scale, zero_point,
// min, max and one post "Requantize" with that node's attributes.
#pragma once
#include "../../planner/builder.hpp"

namespace tenon::cpu {

bool integer_conv_ready(const Builder& b, const PlanNode& n);
bool integer_matmul_ready(const Builder& b, const PlanNode& n);

}  // namespace tenon::cpu
