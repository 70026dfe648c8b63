// SPDX-License-Identifier: Apache-2.0
// window.hpp - windows of nodes: read from attributes, sized with symbols while inferring and with numbers while running.
#pragma once
#include <tenon/node.hpp>
#include <tenon/window.hpp>

#include <string>
#include <vector>

namespace tenon::ops {

/// Arithmetic on dimensions: numbers are computed at once, the rest goes to the host's symbols.
struct DimMath {
  const Node& node;
  int64_t add(int64_t a, int64_t b) const { return a >= 0 && b >= 0 ? a + b : b == 0 ? a : node.add(a, b); }
  /// b is a number of any sign, not a dimension.
  int64_t offset(int64_t a, int64_t b) const {
    if (a >= 0) return a + b;
    return b >= 0 ? add(a, b) : node.sub(a, -b);
  }
  int64_t mul(int64_t a, int64_t b) const { return a >= 0 && b >= 0 ? a * b : b == 1 ? a : node.mul(a, b); }
  int64_t floordiv(int64_t a, int64_t b) const { return b == 1 ? a : a >= 0 ? a / b : node.floordiv(a, b); }
  int64_t ceildiv(int64_t a, int64_t b) const { return b == 1 ? a : a >= 0 ? (a + b - 1) / b : node.ceildiv(a, b); }
};

inline AutoPad parse_auto_pad(const Node& node) {
  const std::string s = node.s("auto_pad", "NOTSET");
  if (const auto mode = auto_pad_of(s)) return *mode;
  throw invalid("auto_pad is not known").with("expected", "NOTSET, VALID, SAME_UPPER or SAME_LOWER").with("found", s);
}

/// Attribute `name` with `n` integers of at least `least`; all `otherwise` when absent.
inline std::vector<int64_t> per_axis(const Node& node, const char* name, size_t n, int64_t otherwise, int64_t least) {
  std::vector<int64_t> v = node.ints(name);
  if (v.empty()) v.assign(n, otherwise);
  if (v.size() != n)
    throw invalid(std::string(name) + " has another length than there are spatial axes")
        .with("expected", std::to_string(n)).with("found", std::to_string(v.size()));
  for (auto x : v)
    if (x < least)
      throw invalid(std::string(name) + " is too small").with("expected", "at least " + std::to_string(least)).with("found", std::to_string(x));
  return v;
}

/// Strides, dilations and pads of the attributes, with the given input sizes and kernel.
inline Window read_window(const Node& node, const Dims& in, const Dims& kernel) {
  const size_t n = in.size();
  if (kernel.size() != n)
    throw invalid("the window has another rank than the spatial axes of the input")
        .with("expected", std::to_string(n)).with("found", std::to_string(kernel.size()));
  const auto strides = per_axis(node, "strides", n, 1, 1), dilations = per_axis(node, "dilations", n, 1, 1);
  Window w;
  w.auto_pad = parse_auto_pad(node);
  w.ceil_mode = node.i("ceil_mode") != 0;
  const auto pads = w.auto_pad == AutoPad::none ? per_axis(node, "pads", 2 * n, 0, INT64_MIN) : std::vector<int64_t>(2 * n, 0);
  for (size_t i = 0; i < n; ++i) {
    if (kernel[i] == 0) throw invalid("the window has no elements").with("expected", "a kernel of at least 1");
    w.axes.push_back({in[i], kernel[i], strides[i], dilations[i], pads[i], pads[i + n], TENON_DIM_UNKNOWN});
  }
  return w;
}

inline void same_pads(WindowAxis& a, AutoPad how) {
  if (a.in >= 0 && a.kernel >= 0 && a.out >= 0) a.pad_evenly(how);
}

/// Number of windows. In ceil mode a window that would start in the padding at the end is left out, hence
/// min(ceildiv(in + begin + end - extent, s) + 1, ceildiv(in + begin, s)), written without min.
inline void size_axis(const DimMath& math, const Window& w, WindowAxis& a) {
  if (w.auto_pad == AutoPad::same_upper || w.auto_pad == AutoPad::same_lower) {
    a.out = math.ceildiv(a.in, a.stride);
    return same_pads(a, w.auto_pad);
  }
  if (a.kernel < 0) {  // a symbolic kernel: the plain formula
    const int64_t extent = math.offset(math.mul(math.offset(a.kernel, -1), a.dilation), 1);
    const int64_t room = math.node.sub(math.offset(a.in, a.pad_begin + a.pad_end), extent);
    a.out = w.ceil_mode ? int64_t{TENON_DIM_UNKNOWN} : math.offset(math.floordiv(room, a.stride), 1);
    return;
  }
  if (a.in >= 0 && a.in + a.pad_begin + a.pad_end < a.extent())
    throw invalid("the window is larger than the padded input")
        .with("expected", "at most " + std::to_string(a.in + a.pad_begin + a.pad_end)).with("found", std::to_string(a.extent()));
  if (w.ceil_mode)
    a.out = math.ceildiv(math.offset(a.in, a.pad_begin + std::min<int64_t>(0, a.pad_end - a.extent() + a.stride)), a.stride);
  else
    a.out = math.offset(math.floordiv(math.offset(a.in, a.pad_begin + a.pad_end - a.extent()), a.stride), 1);
}

/// The window of a convolution or pool, with output sizes and, where the sizes are numbers, pads.
inline Window make_window(const Node& node, const Dims& in, const Dims& kernel) {
  Window w = read_window(node, in, kernel);
  const DimMath math{node};
  for (auto& a : w.axes) size_axis(math, w, a);
  return w;
}

/// The window of a transposed convolution: `in` is the smaller side, `out` the larger.
inline Window make_transposed_window(const Node& node, const Dims& in, const Dims& kernel) {
  Window w = read_window(node, in, kernel);
  const DimMath math{node};
  const auto more = per_axis(node, "output_padding", in.size(), 0, 0);
  auto wanted = node.ints("output_shape");
  if (wanted.size() == in.size() + 2) wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (!wanted.empty() && wanted.size() != in.size())
    throw invalid("output_shape has another length than there are spatial axes")
        .with("expected", std::to_string(in.size())).with("found", std::to_string(wanted.size()));
  const bool same = w.auto_pad == AutoPad::same_upper || w.auto_pad == AutoPad::same_lower;
  for (size_t i = 0; i < in.size(); ++i) {
    WindowAxis& a = w.axes[i];
    const int64_t extent = a.kernel < 0 ? TENON_DIM_UNKNOWN : a.extent() + more[i];
    const int64_t full = extent < 0 ? TENON_DIM_UNKNOWN : math.offset(math.mul(a.in, a.stride), extent - a.stride);
    if (!wanted.empty() || same) {
      a.out = wanted.empty() ? math.mul(a.in, a.stride) : wanted[i];
      if (full < 0 || a.out < 0) continue;
      const int64_t total = std::max<int64_t>(0, full - a.out);
      a.pad_begin = w.auto_pad == AutoPad::same_upper ? total / 2 : total - total / 2;
      a.pad_end = total - a.pad_begin;
    } else {
      a.out = full == TENON_DIM_UNKNOWN ? full : math.offset(full, -a.pad_begin - a.pad_end);
      if (in[i] >= 0 && a.kernel >= 0 && a.out < 0) throw invalid("the pads take more than the output has");
    }
  }
  return w;
}

/// Spatial sizes of an N C D1 D2.. tensor of known rank.
inline Dims spatial_dims(const Tensor& t) {
  Dims d = t.dims().vec();
  d.erase(d.begin(), d.begin() + std::min<size_t>(2, d.size()));
  return d;
}

/// Pads the axes in front with axes of size 1 until there are three.
inline Window to_three_axes(Window w) {
  if (w.rank() > 3)
    throw unsupported("windows over more than 3 spatial axes have no kernel").with("found", std::to_string(w.rank()));
  while (w.rank() < 3) w.axes.insert(w.axes.begin(), WindowAxis{1, 1, 1, 1, 0, 0, 1});
  return w;
}

}  // namespace tenon::ops
