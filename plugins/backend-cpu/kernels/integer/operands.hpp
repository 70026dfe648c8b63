// SPDX-License-Identifier: Apache-2.0
// operands.hpp - what ConvInteger and MatMulInteger nodes have in common: zero points, bias, requantization, the choice of form.
#pragma once
#include "product.hpp"

namespace tenon::cpu {

/// The data's zero point: a constant or one element of a slot, which is appended to `reads`.
IntegerScalar zero_point_of(Builder& b, ValueId v, std::vector<SlotId>* reads);
/// One number, or `count` of them; nothing when it is no such constant. No value: zeros.
std::optional<std::vector<int16_t>> weight_zero_points(const Builder& b, ValueId v, int64_t count);
/// The bias as `count` numbers, null when there is none; nothing when it is no such constant.
std::optional<std::shared_ptr<const std::vector<int32_t>>> bias_of(const Builder& b, ValueId v, int64_t count);
/// The end of a fused node; nothing when the kernels cannot do it. An unfused node ends in i32.
std::optional<IntegerEnd> integer_end(const Builder& b, const PlanNode& n, int64_t filters);
/// Reads the scale and bias of a node that ends in f32.
void read_float_end(Builder& b, const PlanNode& n, IntegerEnd* end, std::vector<SlotId>* reads);
/// Bytes where the machine has the instruction and all weights, given here without their zero points, differ by a shift from 8 bits.
class FormChoice {
  int32_t least_ = 0, most_ = 0;

 public:
  void add(const std::vector<int16_t>& centred);
  PackedForm form() const;
};
/// Text for the packing cache.
std::string zero_point_key(const std::vector<int16_t>& zero);

}  // namespace tenon::cpu
