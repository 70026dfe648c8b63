// SPDX-License-Identifier: Apache-2.0
// fuse.hpp - merges nodes where one kernel can do the work of several. What is merged depends on this backend's kernels, so it is
// done here and not by a pass.
#pragma once
#include "builder.hpp"

namespace tenon::cpu {

/// Rewrites single nodes into what this backend's kernels are about: BatchNormalization into a product and a sum, a quantized value
/// that is only read as floats into its rounding. Uses are to be counted again afterwards.
void simplify_nodes(Builder& b, std::vector<PlanNode>& nodes, Plan& plan);
/// Merges integer products with their bias and requantization. Uses are to be counted again afterwards.
void fuse_integer_nodes(Builder& b, std::vector<PlanNode>& nodes);
/// Makes table look-ups of functions of bytes, and one step of a Requantize of two of them. Uses are to be counted again afterwards.
void fuse_byte_nodes(Builder& b, std::vector<PlanNode>& nodes);
/// Makes integer products of dequantized ones whose result is quantized. Uses are to be counted again afterwards.
void fuse_qdq_nodes(Builder& b, std::vector<PlanNode>& nodes, Plan& plan);
/// Marks merged nodes as gone; the node that stays holds the rest. Uses are to be counted again afterwards.
void fuse_nodes(const Builder& b, std::vector<PlanNode>& nodes, const std::vector<PlanValue>& values, Plan& plan);

}  // namespace tenon::cpu
