// SPDX-License-Identifier: Apache-2.0
// byte_terms.hpp - the internal operators that functions of single bytes become.
#pragma once
#include "../../planner/builder.hpp"

namespace tenon::cpu {

/// Inputs: a constant of 256 elements, and bytes. y = table[x], i8 counting as its bits.
inline constexpr const char* kByteLookup = "(byte-lookup)";
/// Inputs: two operands, of which those that are bytes have a table of 256 i32 behind them; then the inputs of Requantize but for its data.
/// Attributes: those of Requantize. The post says Add, Sub or Mul. Inputs 0 and 1: operands; 2 and 3: their tables or nothing; 4 to 7: scale, zero_point, min, max.
inline constexpr const char* kByteBinary = "(byte-binary)";

/// Whether the kernel takes a node of kByteBinary.
bool byte_binary_ready(const Builder& b, const PlanNode& n);

}  // namespace tenon::cpu
