// SPDX-License-Identifier: Apache-2.0
// window.hpp - strides, dilations and padding of convolution and pooling.
#pragma once
#include "common.hpp"

namespace tenon::onnx {

/// Attributes of a sliding window, completed: every list has one entry for each spatial axis, pads two (begins, then ends).
struct Window {
  size_t spatial = 0;
  std::vector<int64_t> kernel, strides, dilations, pads;
  std::string auto_pad;  ///< "SAME_UPPER" or "SAME_LOWER" where the padding depends on a size that is not known yet, else empty
  void write(AttrList& a) const;
};

/// Reads strides, dilations, pads and auto_pad of a node with input x. `kernel`: window size for each spatial axis, TENON_DIM_UNKNOWN
/// where not known. SAME padding becomes pads where it can be computed now. `resolve_same` false: auto_pad stays as it is.
Window read_window(Lower& l, tenon_value x, std::vector<int64_t> kernel, bool resolve_same = true);

/// Splits `total` pixels of padding: the odd one goes to the end, or with `lower` to the beginning.
void split_padding(int64_t total, bool lower, int64_t* begin, int64_t* end);

}  // namespace tenon::onnx
