// SPDX-License-Identifier: Apache-2.0
// image.hpp - windows over images. A foreign image is [N, H, W, C], the IR's [N, C, H, W].
#pragma once
#include "build.hpp"

namespace tenon::tflite::quantized {

struct Spatial {
  int64_t in, kernel, stride, dilation;
  int64_t begin = 0, end = 0;  ///< padding
  int64_t extent() const { return (kernel - 1) * dilation + 1; }
  int64_t out() const { return (in + begin + end - extent()) / stride + 1; }
};
/// A window over height and width. `auto_pad` is set where the padding depends on a size that is not known.
struct ImageWindow {
  Spatial height, width;
  bool auto_pad = false;
  bool is_padded() const { return auto_pad || height.begin || height.end || width.begin || width.end; }
  bool is_static() const { return height.in >= 0 && width.in >= 0; }
  /// strides, dilations, and pads or auto_pad.
  AttrList attributes() const;
};
/// From options stride_h, stride_w, dilation_h_factor, dilation_w_factor and padding, over input x.
ImageWindow image_window(Lower& l, tenon_value x, int64_t kernel_height, int64_t kernel_width);

tenon_value to_channels_first(Build& b, tenon_value x);
tenon_value to_channels_last(Build& b, tenon_value x);

/// Dimension k of a value; throws when it is not known.
int64_t known_dim(const Lower& l, tenon_value v, int32_t k);

}  // namespace tenon::tflite::quantized
