// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct LeakyRelu {
  double alpha;
  explicit LeakyRelu(const Node& n) : alpha(n.f("alpha", 0.01)) {}
  template <class T> T operator()(T x) const { return x < 0 ? T(alpha) * x : x; }
};
}  // namespace
TENON_OPERATOR("tenon", "LeakyRelu", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T) {alpha?: float}", infer_same, (run_unary<LeakyRelu, FloatTypes>));
}  // namespace tenon::ops
