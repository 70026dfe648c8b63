// SPDX-License-Identifier: Apache-2.0
// LRN: X / (bias + alpha / size * sum of squares over `size` neighbouring channels) ^ beta; the window has (size - 1) / 2 channels before.
#include "norm/normalization.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  expect_rank_at_least(node.in(0), 2, "the input");
  if (node.i("size") < 1) fail("size is too small", "at least 1", std::to_string(node.i("size")));
  node.set_out_like(0, 0);
}

void run(const Node& node) {
  const ChannelShape s(node.in(0));
  const int64_t size = node.i("size"), before = (size - 1) / 2, after = size - 1 - before;
  const double alpha = node.f("alpha", 1e-4) / static_cast<double>(size), beta = node.f("beta", 0.75), bias = node.f("bias", 1);
  visit_real_work(node.in(0).type(), [&]<class W>(Tag<W>) {
    const Operand<W> x(node.in(0));
    Result<W> y(node.out(0));
    node.parallel_for(s.images * s.channels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const int64_t c = p % s.channels, image = p - c;
        const int64_t first = image + std::max<int64_t>(0, c - before), last = image + std::min(s.channels - 1, c + after);
        for (int64_t i = 0; i < s.inner; ++i) {
          double squares = 0;
          for (int64_t q = first; q <= last; ++q) squares += static_cast<double>(x[q * s.inner + i]) * x[q * s.inner + i];
          y[p * s.inner + i] = static_cast<W>(x[p * s.inner + i] / std::pow(bias + alpha * squares, beta));
        }
      }
    });
    y.commit();
  });
}

}  // namespace

TENON_OPERATOR("tenon", "LRN", 1, 0, "(X: T(float)) -> (Y: T) {size: int, alpha?: float, beta?: float, bias?: float}", infer, run);
}  // namespace tenon::ops
