// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Floor {
  template <class T> T operator()(T x) const { return std::floor(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Floor", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Floor, FloatTypes>));
}  // namespace tenon::ops
