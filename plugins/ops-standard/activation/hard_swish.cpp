// SPDX-License-Identifier: Apache-2.0
// x * clip(x / 6 + 1/2, 0, 1)
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct HardSwish {
  template <class T> T operator()(T x) const { return x * (x <= -3 ? T(0) : x >= 3 ? T(1) : (x + 3) / 6); }
};
}  // namespace
TENON_OPERATOR("tenon", "HardSwish", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<HardSwish, FloatTypes>));
}  // namespace tenon::ops
