// SPDX-License-Identifier: Apache-2.0
// convert.hpp - changes of physical layout.
#pragma once
#include <memory>

#include "../planner/builder.hpp"

namespace tenon::cpu {

/// A constant in another layout. Blocked layouts are for f32 only.
std::shared_ptr<void> convert_constant(const Dims& dims, tenon_dtype type, const void* data, Layout to);
/// Adds a step that converts a tensor.
void add_conversion(Builder& b, const Dims& dims, tenon_dtype type, Layout from, SlotId source, Layout to, SlotId target);

}  // namespace tenon::cpu
