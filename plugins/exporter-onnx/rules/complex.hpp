// SPDX-License-Identifier: Apache-2.0
// complex.hpp - complex numbers inside of a graph as pairs of floats, which is what ONNX's Fourier transforms make and take.
#pragma once
#include "../settings.hpp"

namespace tenon::to_onnx {

/// Where all that touches complex values is BitCast and Reshape with a known shape, the values get an axis of 2 at the end.
void complex_to_pairs(Graph& g);

}  // namespace tenon::to_onnx
