// SPDX-License-Identifier: Apache-2.0
// clip(alpha * x + beta, 0, 1)
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct HardSigmoid {
  double alpha, beta;
  explicit HardSigmoid(const Node& n) : alpha(n.f("alpha", 0.2)), beta(n.f("beta", 0.5)) {}
  template <class T> T operator()(T x) const {
    const T v = T(alpha) * x + T(beta);
    return v < 0 ? T(0) : v > 1 ? T(1) : v;
  }
};
}  // namespace
TENON_OPERATOR("tenon", "HardSigmoid", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T) {alpha?: float, beta?: float}", infer_same,
               (run_unary<HardSigmoid, FloatTypes>));
}  // namespace tenon::ops
