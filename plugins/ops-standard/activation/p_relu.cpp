// SPDX-License-Identifier: Apache-2.0
// x below zero is multiplied by slope, which broadcasts to x but not the other way round.
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct PRelu {
  template <class T> T operator()(T x, T slope) const { return x < T(0) ? wrap_mul(x, slope) : x; }
};
void infer(const Node& node) {
  expect_same_type(node, 0, 1);
  const Tensor x = node.in(0), slope = node.in(1);
  node.set_out_like(0, 0);
  if (!x.has_rank() || !slope.has_rank()) return;
  bool fits = slope.rank() <= x.rank();
  for (int32_t i = 1; fits && i <= slope.rank(); ++i)
    fits = slope.dim(-i) == 1 || x.dim(-i) < 0 || slope.dim(-i) < 0 || x.dim(-i) == slope.dim(-i);
  if (!fits) fail("slope does not broadcast to x", "a shape that broadcasts to " + shape_text(x), shape_text(slope));
}
}  // namespace
TENON_OPERATOR("tenon", "PRelu", 1, TENON_OF_IN_PLACE, "(X: T(num), slope: T) -> (Y: T)", infer, (run_binary<PRelu, NumericTypes>));
}  // namespace tenon::ops
