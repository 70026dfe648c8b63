// SPDX-License-Identifier: Apache-2.0
// normalization.hpp - what the normalizations share: statistics of a run of elements, and channel-wise parameters.
#pragma once
#include "common/infer.hpp"
#include "common/work.hpp"

namespace tenon::ops {

struct Moments {
  double mean, variance;
};
/// Mean and (biased) variance in two passes, in double.
template <class W>
Moments moments(const W* x, int64_t n) {
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  const double mean = sum / static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  return {mean, squares / static_cast<double>(n)};
}

/// A 1-D parameter with one element a channel; channels is axis 1 of input 0.
inline void expect_channel_vector(const Node& node, uint32_t k, const char* what) {
  if (!node.has_in(k) || !node.in(k).has_rank()) return;
  expect_rank(node.in(k), 1, what);
  if (node.in(0).has_rank() && node.in(0).rank() > 1) same_dim(node.in(0).dim(1), node.in(k).dim(0), "channels of the input and length of a parameter");
}

/// Images, channels and elements of a channel of an N C ... tensor; a 1-D tensor has one channel.
struct ChannelShape {
  int64_t images, channels, inner;
  explicit ChannelShape(const Tensor& x) : images(x.dim(0)), channels(x.rank() > 1 ? x.dim(1) : 1), inner(1) {
    for (int32_t i = 2; i < x.rank(); ++i) inner *= x.dim(i);
  }
};

/// Product of the dimensions [from, to) of a static shape.
inline int64_t span_count(const Tensor& x, int64_t from, int64_t to) {
  return count_of(x.raw()->dim + from, static_cast<int32_t>(to - from));
}

}  // namespace tenon::ops
