// SPDX-License-Identifier: Apache-2.0
// convolution.hpp - the kernel that Conv and ConvTranspose share. Which input element an output element reads through a kernel
// tap is a table for each axis, so stride, dilation, padding and transposition are the tables' business alone.
#pragma once
#include "common/activation.hpp"
#include "common/gemm.hpp"
#include "common/infer.hpp"
#include "common/window.hpp"

#include <array>

namespace tenon::ops {

/// For tap k and output position o of one axis: the input position, or -1 where there is none.
struct Taps {
  int64_t in = 1, kernel = 1, out = 1;
  bool contiguous = false;  ///< position(k, o) is position(k, 0) + o wherever it exists
  int64_t offset = 0, dilation = 1;
  std::vector<int64_t> table;
  int64_t position(int64_t k, int64_t o) const { return table[static_cast<size_t>(k * out + o)]; }
  /// First and one past the last output position that tap k reads, when contiguous.
  int64_t first(int64_t k) const { return std::clamp<int64_t>(offset - k * dilation, 0, out); }
  int64_t last(int64_t k) const { return std::clamp<int64_t>(in + offset - k * dilation, first(k), out); }
};

inline Taps forward_taps(const WindowAxis& a) {
  Taps t{a.in, a.kernel, a.out, a.stride == 1, a.pad_begin, a.dilation, {}};
  t.table.resize(static_cast<size_t>(t.kernel * t.out));
  for (int64_t k = 0; k < t.kernel; ++k)
    for (int64_t o = 0; o < t.out; ++o) {
      const int64_t i = o * a.stride + k * a.dilation - a.pad_begin;
      t.table[static_cast<size_t>(k * t.out + o)] = i >= 0 && i < a.in ? i : -1;
    }
  return t;
}

inline Taps transposed_taps(const WindowAxis& a) {
  Taps t{a.in, a.kernel, a.out, false, 0, 1, {}};
  t.table.resize(static_cast<size_t>(t.kernel * t.out));
  for (int64_t k = 0; k < t.kernel; ++k)
    for (int64_t o = 0; o < t.out; ++o) {
      const int64_t scaled = o + a.pad_begin - k * a.dilation, i = scaled / a.stride;
      t.table[static_cast<size_t>(k * t.out + o)] = scaled >= 0 && scaled % a.stride == 0 && i < a.in ? i : -1;
    }
  return t;
}

/// Sizes of one convolution. Channels are those of one group.
struct ConvShape {
  int64_t batch, groups, in_channels, out_channels;
  std::array<Taps, 3> taps;
  int64_t in_size() const { return taps[0].in * taps[1].in * taps[2].in; }
  int64_t out_size() const { return taps[0].out * taps[1].out * taps[2].out; }
  int64_t kernel_size() const { return taps[0].kernel * taps[1].kernel * taps[2].kernel; }
};

inline ConvShape make_conv_shape(const Node& node, const Window& window, bool transposed) {
  const Tensor x = node.in(0), w = node.in(1);
  const int64_t groups = node.i("group", 1);
  ConvShape s{x.dim(0), groups, x.dim(1) / groups, (transposed ? w.dim(1) * groups : w.dim(0)) / groups, {}};
  const Window three = to_three_axes(window);
  for (size_t i = 0; i < 3; ++i) s.taps[i] = transposed ? transposed_taps(three.axes[i]) : forward_taps(three.axes[i]);
  return s;
}

/// What happens to finished sums: bias, residual, activation, rounding.
template <class W>
struct ConvEnd {
  const Operand<W>& bias;
  const Operand<W>& residual;
  Activation activation;
  void* to;
  tenon_dtype type;
  void operator()(int64_t channel, int64_t at, sum_t<W>* sums, int64_t n) const {
    if (bias)
      for (int64_t i = 0; i < n; ++i) sums[i] += bias[channel];
    if (residual)
      for (int64_t i = 0; i < n; ++i) sums[i] += residual[at + i];
    activation.apply(sums, n);
    store_sums<W>(to, type, at, sums, n);
  }
};

/// Writes `count` elements from flattened output position j0 that taps (k0, k1, k2) read of one input channel.
template <class W>
void gather_row(const ConvShape& s, const W* plane, int64_t tap, int64_t j0, int64_t count, W* to) {
  const Taps &a = s.taps[0], &b = s.taps[1], &c = s.taps[2];
  const int64_t k2 = tap % c.kernel, k1 = tap / c.kernel % b.kernel, k0 = tap / (c.kernel * b.kernel);
  int64_t row = j0 / c.out, o = j0 % c.out;
  while (count > 0) {
    const int64_t n = std::min(count, c.out - o), i0 = a.position(k0, row / b.out), i1 = b.position(k1, row % b.out);
    if (i0 < 0 || i1 < 0) {
      std::fill_n(to, n, W(0));
    } else if (const W* line = plane + (i0 * b.in + i1) * c.in; c.contiguous) {
      const int64_t first = std::clamp(c.first(k2), o, o + n), last = std::clamp(c.last(k2), first, o + n);
      std::fill(to, to + (first - o), W(0));
      if (last > first) std::copy_n(line + c.position(k2, first), last - first, to + (first - o));
      std::fill(to + (last - o), to + n, W(0));
    } else {
      for (int64_t i = 0; i < n; ++i) {
        const int64_t p = c.position(k2, o + i);
        to[i] = p < 0 ? W(0) : line[p];
      }
    }
    to += n;
    count -= n;
    o = 0;
    ++row;
  }
}

/// weight(group, out_channel, in_channel, tap). One group of one image as a matrix product.
template <class W, class Weight, class End>
void convolve_by_gemm(const Node& node, const ConvShape& s, const W* x, Weight&& weight, const End& end) {
  const int64_t taps = s.kernel_size(), size = s.out_size();
  for (int64_t g = 0; g < s.groups; ++g) {
    const PackedLeft<W> left(s.out_channels, s.in_channels * taps, [&](int64_t o, int64_t k) { return weight(g, o, k / taps, k % taps); });
    for (int64_t n = 0; n < s.batch; ++n) {
      const W* planes = x + (n * s.groups + g) * s.in_channels * s.in_size();
      const int64_t base = (n * s.groups + g) * s.out_channels;
      gemm(node, left, size,
           [&](int64_t k, int64_t j0, int64_t count, W* to) { gather_row(s, planes + k / taps * s.in_size(), k % taps, j0, count, to); },
           [&](int64_t o, int64_t j0, int64_t count, sum_t<W>* sums) {
             end(g * s.out_channels + o, (base + o) * size + j0, sums, count);
           });
    }
  }
}

/// Few output channels a group (depthwise): each output plane by itself, a line at a time.
template <class W, class Weight, class End>
void convolve_by_planes(const Node& node, const ConvShape& s, const W* x, Weight&& weight, const End& end) {
  const int64_t taps = s.kernel_size(), size = s.out_size(), width = s.taps[2].out, lines = s.taps[0].out * s.taps[1].out;
  const int64_t planes = s.batch * s.groups * s.out_channels;
  struct Memory {
    std::vector<W> line;
    std::vector<sum_t<W>> sums;
  };
  const int64_t lanes = std::min<int64_t>(planes, 16);
  std::vector<Memory> memory(static_cast<size_t>(lanes));
  for (auto& m : memory) {
    m.line.resize(static_cast<size_t>(width));
    m.sums.resize(static_cast<size_t>(width));
  }
  auto plane = [&](int64_t p, Memory& m) {
    const int64_t o = p % s.out_channels, g = p / s.out_channels % s.groups, n = p / (s.out_channels * s.groups);
    const W* in = x + (n * s.groups + g) * s.in_channels * s.in_size();
    for (int64_t line = 0; line < lines; ++line) {
      std::fill(m.sums.begin(), m.sums.end(), sum_t<W>(0));
      for (int64_t c = 0; c < s.in_channels; ++c)
        for (int64_t k = 0; k < taps; ++k) {
          gather_row(s, in + c * s.in_size(), k, line * width, width, m.line.data());
          const sum_t<W> factor = weight(g, o, c, k);
          for (int64_t i = 0; i < width; ++i) m.sums[static_cast<size_t>(i)] += factor * m.line[static_cast<size_t>(i)];
        }
      end(g * s.out_channels + o, p * size + line * width, m.sums.data(), width);
    }
  };
  node.parallel_for(lanes, 1, [&](int64_t begin, int64_t stop) {
    for (int64_t l = begin; l < stop; ++l)
      for (int64_t p = l; p < planes; p += lanes) plane(p, memory[static_cast<size_t>(l)]);
  });
}

/// Runs the convolution of inputs 0 (data), 1 (weights), 2 (bias), 3 (residual, added before the activation).
inline void run_convolution(const Node& node, const Window& window, bool transposed) {
  const ConvShape s = make_conv_shape(node, window, transposed);
  if (s.batch * s.groups * s.out_channels * s.out_size() == 0) return;
  const Tensor y = node.out(0);
  visit_work(y.type(), [&]<class W>(Tag<W>) {
    const Operand<W> x(node.in(0)), w(node.in(1)), bias(node.in(2)), residual(node.in(3));
    const ConvEnd<W> end{bias, residual, Activation(node), y.mutable_data<void>(), y.type()};
    const int64_t taps = s.kernel_size();
    auto weight = [&](int64_t g, int64_t o, int64_t c, int64_t k) {
      return transposed ? w[((g * s.in_channels + c) * s.out_channels + o) * taps + k]
                        : w[((g * s.out_channels + o) * s.in_channels + c) * taps + k];
    };
    if (s.out_channels < 4) convolve_by_planes<W>(node, s, x.data(), weight, end);
    else convolve_by_gemm<W>(node, s, x.data(), weight, end);
  });
}

/// Checks of inputs 2 and 3 that Conv and ConvTranspose share; `y` is the output's shape.
inline void check_conv_extras(const Node& node, const Dims& y) {
  if (node.has_in(2)) {
    expect_rank(node.in(2), 1, "the bias");
    if (node.in(2).has_rank()) same_dim(y[1], node.in(2).dim(0), "output channels and length of the bias");
  }
  if (node.has_in(3) && node.in(3).has_rank()) {
    expect_rank(node.in(3), static_cast<int32_t>(y.size()), "the residual");
    for (size_t i = 0; i < y.size(); ++i) same_dim(y[i], node.in(3).dim(static_cast<int32_t>(i)), "dimensions of the output and the residual");
  }
  check_activation(node);
}

/// Kernel sizes: of the weights, or where they are not known of attribute kernel_shape; the two must agree.
inline Dims conv_kernel_dims(const Node& node, size_t spatial_rank) {
  Dims k = node.in(1).has_rank() ? spatial_dims(node.in(1)) : Dims(spatial_rank, kUnknown);
  const auto attr = node.ints("kernel_shape");
  if (attr.empty()) return k;
  if (attr.size() != k.size()) fail("kernel_shape does not fit the weights", std::to_string(k.size()) + " sizes", std::to_string(attr.size()));
  for (size_t i = 0; i < k.size(); ++i) k[i] = same_dim(k[i], attr[i], "kernel_shape and the weights' kernel size");
  return k;
}

}  // namespace tenon::ops
