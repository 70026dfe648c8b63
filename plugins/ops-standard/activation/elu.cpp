// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Elu {
  double alpha;
  explicit Elu(const Node& n) : alpha(n.f("alpha", 1.0)) {}
  template <class T> T operator()(T x) const { return x < 0 ? T(alpha) * std::expm1(x) : x; }
};
}  // namespace
TENON_OPERATOR("tenon", "Elu", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T) {alpha?: float}", infer_same, (run_unary<Elu, FloatTypes>));
}  // namespace tenon::ops
