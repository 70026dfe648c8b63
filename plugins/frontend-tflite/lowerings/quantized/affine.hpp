// SPDX-License-Identifier: Apache-2.0
// affine.hpp - quantization of a foreign node's tensors: real = scale * (q - zero_point), for all of it or for each slice of an axis.
#pragma once
#include <tenon/tenon.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace tenon::tflite::quantized {

struct Range {
  int64_t low = INT64_MIN, high = INT64_MAX;
};
/// v cut to the range, which has at most 32 bits; what is no number (from scales of extreme ratio) counts as 0.
inline int64_t cut(double v, const Range& r) {
  return static_cast<int64_t>(std::clamp(v == v ? v : 0.0, static_cast<double>(r.low), static_cast<double>(r.high)));
}
/// Numbers of an integer type of at most 32 bits; throws for other types.
Range range_of(tenon_dtype t);

struct Affine {
  tenon_dtype type = dt::none;
  std::vector<float> scale;  ///< empty: not quantized
  std::vector<int64_t> zero_point;
  int64_t axis = 0;

  explicit operator bool() const { return !scale.empty(); }
  bool per_axis() const { return scale.size() > 1; }
  /// Of a tensor with one scale; throws where there are several or none.
  float one_scale() const;
  int64_t one_zero() const;
  int64_t zero(size_t k) const { return zero_point.empty() ? 0 : zero_point[zero_point.size() == 1 ? 0 : k]; }
};
/// Throws where the parameters cannot be: scales that are no positive numbers, zero points outside the type.
Affine input_affine(Lower& l, uint64_t k);
Affine output_affine(Lower& l, uint64_t k = 0);

inline bool same_affine(const Affine& a, const Affine& b) { return a.scale == b.scale && a.zero_point == b.zero_point; }

/// Is the tensor an integer one with quantization?
inline bool is_quantized(const Affine& a) { return a && is_int(a.type) && a.type.bits <= 16; }

/// round(value / scale) + zero point, halves away from zero, in float.
int64_t quantized_value(float value, const Affine& a);

/// Numbers that a fused activation leaves of an output; throws for one that integer kernels do not have.
Range activation_range(std::string_view activation, const Affine& out);

}  // namespace tenon::tflite::quantized
