// SPDX-License-Identifier: Apache-2.0
// DeformConv: a 2-D convolution whose taps are moved by learned offsets and, with a mask, weighted. Inputs: X, W, offset, B?, mask?.
#include "common/gemm.hpp"
#include "common/infer.hpp"
#include "common/window.hpp"
#include "vision/sampling.hpp"

namespace tenon::ops {
namespace {

enum Input : uint32_t { kX, kW, kOffset, kB, kMask };

void infer(const Node& node) {
  const Tensor x = node.in(kX), w = node.in(kW);
  expect_rank(x, 4, "the input");
  expect_rank(w, 4, "the weights");
  expect_rank(node.in(kOffset), 4, "the offsets");
  if (node.has_in(kB)) expect_rank(node.in(kB), 1, "the bias");
  if (node.has_in(kMask)) expect_rank(node.in(kMask), 4, "the mask");
  const Dims unknown(2, kUnknown);
  const Window window = make_window(node, x.has_rank() ? spatial_dims(x) : unknown, w.has_rank() ? spatial_dims(w) : unknown);
  const int64_t group = node.i("group", 1);
  if (x.has_rank() && w.has_rank() && w.dim(1) >= 0)
    same_dim(w.dim(1) * group, x.dim(1), "input channels of the weights (times group) and of the input");
  if (node.in(kOffset).has_rank() && w.has_rank() && w.dim(2) >= 0 && w.dim(3) >= 0)
    same_dim(2 * node.i("offset_group", 1) * w.dim(2) * w.dim(3), node.in(kOffset).dim(1), "two offsets for each tap and their channels");
  node.set_out(0, x.type(), Dims{x.has_rank() ? x.dim(0) : kUnknown, w.has_rank() ? w.dim(0) : kUnknown, window.axes[0].out, window.axes[1].out});
}

template <class W>
struct DeformedInput {
  const Operand<W>&x, &offset, &mask;
  const WindowAxis &ay, &ax;
  int64_t channels, offset_groups;

  int64_t taps() const { return ay.kernel * ax.kernel; }
  int64_t out_size() const { return ay.out * ax.out; }
  /// What tap k of channel c of image n reads for output position o.
  W operator()(int64_t n, int64_t c, int64_t k, int64_t o) const {
    const int64_t og = c / (channels / offset_groups), size = out_size(), pair = ((n * offset_groups + og) * taps() + k) * 2;
    const double y = static_cast<double>(o / ax.out * ay.stride + k / ax.kernel * ay.dilation - ay.pad_begin) + offset[pair * size + o];
    const double xx = static_cast<double>(o % ax.out * ax.stride + k % ax.kernel * ax.dilation - ax.pad_begin) + offset[(pair + 1) * size + o];
    double v = sample_with_zeros(x.data() + (n * channels + c) * ay.in * ax.in, ay.in, ax.in, y, xx);
    if (mask) v *= mask[((n * offset_groups + og) * taps() + k) * size + o];
    return static_cast<W>(v);
  }
};

void run(const Node& node) {
  const Tensor x = node.in(kX), w = node.in(kW), y = node.out(0);
  if (y.count() == 0) return;
  const Window window = make_window(node, spatial_dims(x), spatial_dims(w));
  const int64_t groups = node.i("group", 1), in = x.dim(1) / groups, out = w.dim(0) / groups;
  visit_real_work(x.type(), [&]<class W>(Tag<W>) {
    const Operand<W> data(x), weights(w), offset(node.in(kOffset)), bias(node.in(kB)), mask(node.in(kMask));
    const DeformedInput<W> input{data, offset, mask, window.axes[0], window.axes[1], x.dim(1), node.i("offset_group", 1)};
    const int64_t taps = input.taps(), size = input.out_size();
    for (int64_t g = 0; g < groups; ++g) {
      const PackedLeft<W> left(out, in * taps, [&](int64_t o, int64_t k) { return weights[(g * out + o) * in * taps + k]; });
      for (int64_t n = 0; n < x.dim(0); ++n)
        gemm(node, left, size,
             [&](int64_t k, int64_t j0, int64_t count, W* to) {
               for (int64_t j = 0; j < count; ++j) to[j] = input(n, g * in + k / taps, k % taps, j0 + j);
             },
             [&](int64_t o, int64_t j0, int64_t count, double* sums) {
               for (int64_t j = 0; bias && j < count; ++j) sums[j] += bias[g * out + o];
               store_sums<W>(y.mutable_data<void>(), y.type(), ((n * groups + g) * out + o) * size + j0, sums, count);
             });
    }
  });
}

}  // namespace

TENON_OPERATOR("tenon", "DeformConv", 1, 0,
               "(X: T(float), W: T, offset: T, B?: T, mask?: T) -> (Y: T) {pads?: ints, strides?: ints, dilations?: ints, group?: int, "
               "offset_group?: int, kernel_shape?: ints}",
               infer, run);
}  // namespace tenon::ops
