// SPDX-License-Identifier: Apache-2.0
// window.hpp - layouts and sliding windows: TFLite has channels last and two kinds of padding.
#pragma once
#include "common.hpp"

namespace tenon::tflite {

/// [N, spatial..., C] to [N, C, spatial...] and back.
tenon_value channels_first(Lower& l, tenon_value v, size_t spatial = 2);
tenon_value channels_last(Lower& l, tenon_value v, size_t spatial = 2);

struct Window {
  std::vector<int64_t> kernel, strides, dilations;  ///< one for each spatial axis, in the order of the data
  std::vector<int64_t> pads;                        ///< begin of all axes, then end of all
  bool deferred = false;                            ///< SAME, and a size is not known: left to auto_pad
};

/// Kernel sizes, strides and dilations are given; padding ("SAME" or "VALID") is worked out from the spatial sizes of x, [N, spatial..., C].
/// SAME: the output has ceil(size / stride) elements and the odd element of padding stands at the end.
void pad_window(Lower& l, tenon_value x, std::string_view padding, Window& w);

/// Writes strides, dilations and pads (or auto_pad).
void write(const Window& w, AttrList& a, bool dilations = true);

}  // namespace tenon::tflite
