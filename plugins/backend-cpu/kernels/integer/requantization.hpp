// SPDX-License-Identifier: Apache-2.0
// requantization.hpp - a Requantize node's numbers in the form that the vector kernels want.
#pragma once
#include <memory>
#include <optional>

#include "../../planner/builder.hpp"
#include "../simd/integer_simd.hpp"

namespace tenon::cpu {

/// The inputs of a Requantize that are not its data.
struct RequantizeInputs {
  ValueId scale = kNoValue, zero_point = kNoValue, min = kNoValue, max = kNoValue;
};

/// Rounding that no Requantize of a model has: one product in f32, as engines do for QuantizeLinear of a dequantized sum.
inline constexpr const char* kF32Rounding = "(f32)";

/// A second rounding after a Requantize: a linear function of each channel's bytes. Inputs 9 and 10 of the fused node hold factor and shift.
inline constexpr const char* kByteAffine = "(byte-affine)";

/// The end of MatMulInteger, Cast to f32, Mul by a scale, Add of a bias. Inputs 5 and 6 of the fused node hold scale and bias.
inline constexpr const char* kToFloat = "(to-float)";

/// Owns what `numbers` points to.
struct RequantizationTable {
  Requantization numbers;
  std::vector<double> real;
  std::vector<float> single;
  std::vector<int32_t> multiplier, left, right;
};

/// Nothing when the vector kernels cannot do it: bounds that are no constants, zero points that differ, other types than 8 bits.
/// `channels` scales stand for the table's channels; a single scale is repeated.
std::shared_ptr<const RequantizationTable> requantization(const Builder& b, const Attrs& attrs, const RequantizeInputs& in, tenon_dtype type, int64_t channels);

}  // namespace tenon::cpu
