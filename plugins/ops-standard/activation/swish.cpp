// SPDX-License-Identifier: Apache-2.0
// x * sigmoid(alpha * x)
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Swish {
  double alpha;
  explicit Swish(const Node& n) : alpha(n.f("alpha", 1.0)) {}
  template <class T> T operator()(T x) const { return x * sigmoid(T(alpha) * x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Swish", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T) {alpha?: float}", infer_same,
               (run_unary<Swish, FloatTypes>));
}  // namespace tenon::ops
