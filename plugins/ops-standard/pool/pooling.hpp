// SPDX-License-Identifier: Apache-2.0
// pooling.hpp - what MaxPool and AveragePool share: shape inference and the walk over windows.
#pragma once
#include "common/infer.hpp"
#include "common/window.hpp"

#include <array>

namespace tenon::ops {

/// Shape of output 0; nothing when the rank is not known.
inline std::optional<Dims> pooled_dims(const Node& node) {
  const Tensor x = node.in(0);
  expect_rank_at_least(x, 3, "the input");
  const auto kernel = node.ints("kernel_shape");
  if (kernel.empty()) throw invalid("a pool needs kernel_shape");
  const size_t rank = x.has_rank() ? static_cast<size_t>(x.rank()) : kernel.size() + 2;
  const Dims in = x.has_rank() ? spatial_dims(x) : Dims(rank - 2, kUnknown);
  const Window w = make_window(node, in, per_axis(node, "kernel_shape", in.size(), 1, 1));
  Dims y = {x.has_rank() ? x.dim(0) : kUnknown, x.has_rank() ? x.dim(1) : kUnknown};
  for (int64_t d : w.out_dims()) y.push_back(d);
  return y;
}

/// Part of the input under one window: first position and number of taps inside, for each of three axes.
struct WindowPart {
  std::array<int64_t, 3> first, taps;
  int64_t padded_taps;  ///< taps inside the input and its padding
};

struct Pool {
  std::array<WindowAxis, 3> axes;
  int64_t planes, in_size, out_size;
  explicit Pool(const Node& node) {
    const Window w = to_three_axes(make_window(node, spatial_dims(node.in(0)), node.ints("kernel_shape")));
    planes = node.in(0).dim(0) * node.in(0).dim(1);
    in_size = out_size = 1;
    for (size_t i = 0; i < 3; ++i) {
      axes[i] = w.axes[i];
      in_size *= axes[i].in;
      out_size *= axes[i].out;
    }
  }
  WindowPart part(int64_t out) const {
    const std::array<int64_t, 3> at = {out / (axes[1].out * axes[2].out), out / axes[2].out % axes[1].out, out % axes[2].out};
    WindowPart p{{}, {}, 1};
    for (size_t i = 0; i < 3; ++i) {
      const WindowTaps t = axes[i].taps(at[i]);
      p.first[i] = t.first;
      p.taps[i] = t.count;
      p.padded_taps *= t.with_padding;
    }
    return p;
  }
  /// Calls f(input position in the plane) for every input element of a window, in row-major order.
  template <class F>
  void for_taps(const WindowPart& p, F&& f) const {
    for (int64_t a = 0; a < p.taps[0]; ++a)
      for (int64_t b = 0; b < p.taps[1]; ++b) {
        const int64_t line = ((p.first[0] + a * axes[0].dilation) * axes[1].in + p.first[1] + b * axes[1].dilation) * axes[2].in;
        for (int64_t c = 0; c < p.taps[2]; ++c) f(line + p.first[2] + c * axes[2].dilation);
      }
  }
};

}  // namespace tenon::ops
