// SPDX-License-Identifier: Apache-2.0
// gate.hpp - products of several gates at once, in float or with quantized weights.
#pragma once
#include "lowerings/quantized/hybrid.hpp"
#include "state.hpp"

namespace tenon::tflite::recurrent {

/// Matrices [units, depth] of several gates, one under another, transposed for a product from the left.
struct Stacked {
  tenon_value matrix = 0;  ///< [depth, gates * units]
  Affine affine;           ///< one scale for each column; empty in float
  bool asymmetric = false;
  explicit operator bool() const { return matrix != 0; }
};
/// From the node's inputs at `at`; the matrices are all float or all i8 with one scale each.
Stacked stack(Lower& l, Build& b, const std::vector<uint64_t>& at, bool asymmetric);

/// x times the matrix.
tenon_value product(Build& b, tenon_value x, const Stacked& w);

/// Vectors of several gates, one behind another; those that are quantized as floats.
tenon_value joined(Lower& l, Build& b, const std::vector<uint64_t>& at);
/// A vector as floats.
tenon_value real_vector(Lower& l, Build& b, uint64_t at);

}  // namespace tenon::tflite::recurrent
