// SPDX-License-Identifier: Apache-2.0
// window.hpp - operators that slide a window over spatial axes: convolutions, depthwise ones, pools, constant stencils. One
// description for shape inference, reference kernels and backends.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tenon/base.hpp>
#include <vector>

namespace tenon {

enum class AutoPad { none, valid, same_upper, same_lower };

/// What becomes of the elements under a window. Means count the taps inside the input, or also those in its padding.
enum class WindowReduction { weighted_sum, max, mean, mean_with_padding };

/// Nothing for a text that is no mode.
inline std::optional<AutoPad> auto_pad_of(std::string_view mode) {
  if (mode.empty() || mode == "NOTSET") return AutoPad::none;
  if (mode == "VALID") return AutoPad::valid;
  if (mode == "SAME_UPPER") return AutoPad::same_upper;
  if (mode == "SAME_LOWER") return AutoPad::same_lower;
  return std::nullopt;
}

/// Positions of one window along one axis that are inside the input, in steps of the dilation.
struct WindowTaps {
  int64_t first = 0, skipped = 0, count = 0;  ///< position of the first, taps before it, how many
  int64_t with_padding = 0;                   ///< taps inside the input and its padding
};

/// One spatial axis; a dilation of 1 is none. Sizes may be negative, symbolic or unknown, while shapes are inferred; what is computed
/// here wants numbers.
struct WindowAxis {
  int64_t in = 0, kernel = 1, stride = 1, dilation = 1, pad_begin = 0, pad_end = 0, out = 0;
  /// Input positions that a window spans.
  int64_t extent() const { return dilation * (kernel - 1) + 1; }
  /// Input position of a window's first tap; negative in the padding.
  int64_t start(int64_t window) const { return window * stride - pad_begin; }
  /// Padding that `out` windows reach into, on both sides together; negative when they leave some of the input.
  int64_t reach() const { return (out - 1) * stride + extent() - in; }
  /// Sets the pads so that they are as even as they can be; the odd one is at the end with same_upper.
  void pad_evenly(AutoPad how) {
    const int64_t total = std::max<int64_t>(0, reach());
    pad_begin = how == AutoPad::same_upper ? total / 2 : total - total / 2;
    pad_end = total - pad_begin;
  }
  WindowTaps taps(int64_t window) const {
    const int64_t s = start(window);
    auto below = [&](int64_t end) { return s >= end ? 0 : std::min(kernel, (end - s + dilation - 1) / dilation); };
    WindowTaps t;
    t.skipped = s < 0 ? (-s + dilation - 1) / dilation : 0;
    t.first = s + t.skipped * dilation;
    t.count = std::max<int64_t>(0, below(in) - t.skipped);
    t.with_padding = below(in + std::max<int64_t>(0, pad_end));
    return t;
  }
};

struct Window {
  std::vector<WindowAxis> axes;
  AutoPad auto_pad = AutoPad::none;
  bool ceil_mode = false;
  WindowReduction reduction = WindowReduction::weighted_sum;
  size_t rank() const { return axes.size(); }
  Dims out_dims() const {
    Dims d;
    for (const auto& a : axes) d.push_back(a.out);
    return d;
  }
  bool is_padded() const {
    return std::any_of(axes.begin(), axes.end(), [](const WindowAxis& a) { return a.pad_begin > 0 || a.pad_end > 0; });
  }
};

}  // namespace tenon
