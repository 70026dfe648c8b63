// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Reciprocal {
  template <class T> T operator()(T x) const { return 1 / x; }
};
}  // namespace
TENON_OPERATOR("tenon", "Reciprocal", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Reciprocal, FloatTypes>));
}  // namespace tenon::ops
