// SPDX-License-Identifier: Apache-2.0
// products.hpp - what convolutions and matrix products of quantized tensors share: weights, bias and the way back to the output's scale.
#pragma once
#include "build.hpp"

namespace tenon::tflite::quantized {

/// Tensors of a product: data, weights and result.
struct Product {
  Affine x, w, out;
  bool integer() const { return is_quantized(x) && w && is_int(w.type) && is_quantized(out); }
};

/// Integers of at most 8 bits as i8 or u8.
tenon_value whole_bytes(Build& b, tenon_value v);
/// The zero point as a scalar, 0 (absent) where it is the number 0.
tenon_value zero_point(Build& b, const Affine& a, tenon_dtype type);

/// Scales x * w / out, one for each of w's scales. `float_product`: x * w is rounded to float before.
std::vector<double> product_scales(const Product& p, bool float_product);

/// (sums + bias) * scales; the channels lie along `axis` of `rank` dimensions. bias may be 0.
struct ProductEnd {
  int64_t axis, rank;
  std::string activation;
  const char* rounding;
  bool float_product;
};
tenon_value finish_product(Build& b, tenon_value sums, tenon_value bias, const Product& p, const ProductEnd& end);

/// Throws where weights of 16-bit data, or of fewer than 8 bits, have a zero point, or where their axis is another than `axis`.
void check_weights(const Product& p, int64_t axis);

}  // namespace tenon::tflite::quantized
