// SPDX-License-Identifier: Apache-2.0
// convert.hpp - changes of physical layout.
#pragma once
#include <memory>

#include "../planner/builder.hpp"

namespace tenon::cpu {

/// An f32 constant in another layout.
std::shared_ptr<void> convert_constant(const Dims& dims, const void* data, Layout to);
/// Adds a step that converts an f32 tensor.
void add_conversion(Builder& b, const Dims& dims, Layout from, SlotId source, Layout to, SlotId target);

}  // namespace tenon::cpu
