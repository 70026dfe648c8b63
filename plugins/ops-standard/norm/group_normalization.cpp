// SPDX-License-Identifier: Apache-2.0
// GroupNormalization: each group of channels of each image by its own mean and variance, then scale and bias by channel.
#include "norm/normalization.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  expect_rank_at_least(node.in(0), 2, "the input");
  expect_channel_vector(node, 1, "the scale");
  expect_channel_vector(node, 2, "the bias");
  const int64_t groups = node.i("num_groups");
  if (groups < 1) fail("num_groups is too small", "at least 1", std::to_string(groups));
  if (node.in(0).has_rank() && node.in(0).dim(1) >= 0 && node.in(0).dim(1) % groups != 0)
    fail("channels are no multiple of num_groups", "a multiple of " + std::to_string(groups), std::to_string(node.in(0).dim(1)));
  node.set_out_like(0, 0);
}

void run(const Node& node) {
  const ChannelShape s(node.in(0));
  const int64_t groups = node.i("num_groups"), members = s.channels / groups;
  const double epsilon = node.f("epsilon", 1e-5);
  visit_real_work(node.in(0).type(), [&]<class W>(Tag<W>) {
    const Operand<W> x(node.in(0)), scale(node.in(1)), bias(node.in(2));
    Result<W> y(node.out(0));
    node.parallel_for(s.images * groups, 1, [&](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g) {
        const Moments m = moments(x.data() + g * members * s.inner, members * s.inner);
        const double factor = 1 / std::sqrt(m.variance + epsilon);
        for (int64_t p = g * members; p < (g + 1) * members; ++p)
          for (int64_t i = p * s.inner; i < (p + 1) * s.inner; ++i)
            y[i] = static_cast<W>((x[i] - m.mean) * factor * scale[p % s.channels] + bias[p % s.channels]);
      }
    });
    y.commit();
  });
}

}  // namespace

TENON_OPERATOR("tenon", "GroupNormalization", 1, 0,
               "(X: T(float), scale: T, bias: T) -> (Y: T) {num_groups: int, epsilon?: float}", infer, run);
}  // namespace tenon::ops
