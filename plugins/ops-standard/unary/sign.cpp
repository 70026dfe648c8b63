// SPDX-License-Identifier: Apache-2.0
// -1, 0 or 1; NaN stays NaN.
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Sign {
  template <class T> T operator()(T x) const { return x != x ? x : T(int(x > T(0)) - int(x < T(0))); }
};
}  // namespace
TENON_OPERATOR("tenon", "Sign", 1, TENON_OF_IN_PLACE, "(X: T(num)) -> (Y: T)", infer_same, (run_unary<Sign, NumericTypes>));
}  // namespace tenon::ops
