// SPDX-License-Identifier: Apache-2.0
// hybrid.hpp - float data with quantized weights: the data are quantized to 8 bits as they come, row by row, and products of
// integers are scaled back to float.
#pragma once
#include "products.hpp"

namespace tenon::tflite::quantized {

inline bool is_hybrid(const Product& p) { return is_float(p.x.type) && p.w && is_int(p.w.type); }

/// Rows of numbers that share a scale, over `axes`, which stay with extent 1.
struct DynamicRows {
  tenon_value q;      ///< whole numbers in f32, before the zero point is taken off
  tenon_value scale;  ///< f32
  tenon_value zero;   ///< f32; 0 (absent) for symmetric rows
};
/// Symmetric: 127 is the row's largest magnitude, halves are rounded away from zero. Otherwise -128 to 127 cover the row and 0.
DynamicRows quantize_rows(Build& b, tenon_value x, const std::vector<int64_t>& axes, bool asymmetric);

/// Product of the rows of x, along its last dimension, with the matrix w [.., K, N] of i8 or u8; its scales lie along N.
tenon_value hybrid_matmul(Build& b, tenon_value x, tenon_value w, const Affine& weights, bool asymmetric);

/// Convolution of input 0 of the node by w (in the IR's layout), with bias and activation, as an image in the file's layout.
tenon_value hybrid_convolution(Build& b, Lower& l, const Product& p, tenon_value w, AttrList attributes, bool depthwise);

/// A fused activation on floats.
tenon_value activated(Build& b, tenon_value x, std::string_view activation);

}  // namespace tenon::tflite::quantized
