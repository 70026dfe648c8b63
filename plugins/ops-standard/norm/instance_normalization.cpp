// SPDX-License-Identifier: Apache-2.0
// InstanceNormalization: each channel of each image by its own mean and variance, then scale and bias by channel.
#include "norm/normalization.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  expect_rank_at_least(node.in(0), 3, "the input");
  expect_channel_vector(node, 1, "the scale");
  expect_channel_vector(node, 2, "the bias");
  node.set_out_like(0, 0);
}

void run(const Node& node) {
  const ChannelShape s(node.in(0));
  const double epsilon = node.f("epsilon", 1e-5);
  visit_real_work(node.in(0).type(), [&]<class W>(Tag<W>) {
    const Operand<W> x(node.in(0)), scale(node.in(1)), bias(node.in(2));
    Result<W> y(node.out(0));
    node.parallel_for(s.images * s.channels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const Moments m = moments(x.data() + p * s.inner, s.inner);
        const double factor = scale[p % s.channels] / std::sqrt(m.variance + epsilon), shift = bias[p % s.channels];
        for (int64_t i = p * s.inner; i < (p + 1) * s.inner; ++i) y[i] = static_cast<W>((x[i] - m.mean) * factor + shift);
      }
    });
    y.commit();
  });
}

}  // namespace

TENON_OPERATOR("tenon", "InstanceNormalization", 1, 0, "(X: T(float), scale: T, bias: T) -> (Y: T) {epsilon?: float}", infer, run);
}  // namespace tenon::ops
