// SPDX-License-Identifier: Apache-2.0
// elementwise.hpp - chains of elementwise f32 operators over one tensor, done tile by tile so that what is between stays in the
// first-level cache.
#pragma once
#include "../planner/builder.hpp"
#include "activation.hpp"
#include "simd/elementwise_simd.hpp"

namespace tenon::cpu {

/// One operator of a chain: of the chain's value alone, or of it and another tensor.
struct ElementOp {
  bool binary = false;
  Activation unary{Unary::relu};
  Binary kind = Binary::add;
  ValueId operand = kNoValue;
};

/// A node or fused operator as part of a chain whose value is `main`; nothing when it is no elementwise f32 operator.
/// `others` are the inputs but for main; reversed: main is the right operand.
std::optional<ElementOp> element_op(const Builder& b, const std::string& op, const Attrs& attrs, const std::vector<ValueId>& others, bool reversed);
/// The input of an elementwise node that the chain runs through (its index), or -1.
int chain_input(const Builder& b, const PlanNode& n);

}  // namespace tenon::cpu
