// SPDX-License-Identifier: Apache-2.0
// To the nearest whole number, halves to the even one (the rounding mode that threads start with).
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Round {
  template <class T> T operator()(T x) const { return std::nearbyint(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Round", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Round, FloatTypes>));
}  // namespace tenon::ops
