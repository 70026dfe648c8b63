// SPDX-License-Identifier: Apache-2.0
// BatchNormalization with given statistics: (X - mean) / sqrt(var + epsilon) * scale + bias, for each channel.
#include "norm/normalization.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  expect_rank_at_least(node.in(0), 1, "the input");
  for (uint32_t k = 1; k < 5; ++k) expect_channel_vector(node, k, "a parameter");
  node.set_out_like(0, 0);
}

void run(const Node& node) {
  const ChannelShape s(node.in(0));
  const double epsilon = node.f("epsilon", 1e-5);
  const Operand<double> scale(node.in(1)), bias(node.in(2)), mean(node.in(3)), variance(node.in(4));
  for (uint32_t k = 1; k < 5; ++k)
    if (node.in(k).count() != s.channels) fail("a parameter has a wrong length", std::to_string(s.channels), std::to_string(node.in(k).count()));
  visit<FloatTypes>(node.in(0).type(), [&]<class T>(Tag<T>) {
    const T* x = node.in(0).data<T>();
    T* y = node.out(0).mutable_data<T>();
    node.parallel_for(s.images * s.channels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const int64_t c = p % s.channels;
        const double factor = scale[c] / std::sqrt(variance[c] + epsilon), middle = mean[c], shift = bias[c];
        for (int64_t i = p * s.inner; i < (p + 1) * s.inner; ++i) y[i] = convert<T>((static_cast<double>(compute_t<T>(x[i])) - middle) * factor + shift);
      }
    });
  });
}

}  // namespace

TENON_OPERATOR("tenon", "BatchNormalization", 1, 0,
               "(X: T(float), scale: S(float), bias: S, mean: U(float), var: U) -> (Y: T) {epsilon?: float}", infer, run);
}  // namespace tenon::ops
