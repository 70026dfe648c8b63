// SPDX-License-Identifier: Apache-2.0
// patches.hpp - sliding windows over spatial dimensions: Im2Col and Col2Im.
#pragma once
#include "common/broadcast.hpp"
#include "common/infer.hpp"

namespace tenon::ops {

/// Window attributes for `spatial` dimensions, with defaults filled in and checked.
struct Windows {
  Dims kernel, strides, dilations, pads;  ///< pads: all beginnings, then all ends
  Windows(const Node& node, const Dims& kernel_shape, size_t spatial)
      : kernel(kernel_shape),
        strides(node.ints("strides", Dims(spatial, 1))),
        dilations(node.ints("dilations", Dims(spatial, 1))),
        pads(node.ints("pads", Dims(2 * spatial, 0))) {
    check("the kernel's shape", kernel, spatial, 1);
    check("strides", strides, spatial, 1);
    check("dilations", dilations, spatial, 1);
    check("pads", pads, 2 * spatial, 0);
  }
  /// Number of window positions along spatial dimension i of size n.
  int64_t positions(const Node& node, size_t i, int64_t n) const {
    const int64_t span = dilations[i] * (kernel[i] - 1) + 1, padded = dim_add(node, n, pads[i] + pads[kernel.size() + i]);
    if (n >= 0 && padded < span) fail("the window is larger than the padded input", "at most " + std::to_string(padded), std::to_string(span));
    const int64_t room = dim_sub(node, padded, span);
    return room == kUnknown ? kUnknown : dim_add(node, dim_floordiv(node, room, strides[i]), 1);
  }

 private:
  static void check(const char* what, const Dims& v, size_t n, int64_t lowest) {
    if (v.size() != n) fail(std::string(what) + " has a wrong length", std::to_string(n), std::to_string(v.size()));
    for (int64_t x : v)
      if (x < lowest) fail(std::string(what) + " is out of range", std::to_string(lowest) + " or more", ints_text(v));
  }
};
/// Calls f(image offset, column offset) for each pair of a window's element and the image's element below it, in one channel;
/// column layout: [kernel..., positions...]. Elements that lie in the padding are left out.
template <class F>
void for_patches(const Windows& w, const Dims& image, const Dims& positions, F&& f) {
  const size_t n = image.size();
  Dims extent = w.kernel;
  extent.insert(extent.end(), positions.begin(), positions.end());
  const Dims column = strides_of(extent), own = strides_of(image);
  // Operand 0 is the column; the place in the image is found from the indices, because of the padding.
  const int64_t total = count_of(extent.data(), static_cast<int32_t>(extent.size()));
  for (int64_t c = 0; c < total; ++c) {
    int64_t at = 0;
    bool inside = true;
    for (size_t i = 0; inside && i < n; ++i) {
      const int64_t k = c / column[i] % extent[i], p = c / column[n + i] % extent[n + i];
      const int64_t x = p * w.strides[i] + k * w.dilations[i] - w.pads[i];
      inside = x >= 0 && x < image[i];
      at += x * own[i];
    }
    if (inside) f(at, c);
  }
}

}  // namespace tenon::ops
