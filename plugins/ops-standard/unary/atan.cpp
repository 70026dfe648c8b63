// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Atan {
  template <class T> T operator()(T x) const { return std::atan(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Atan", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Atan, FloatTypes>));
}  // namespace tenon::ops
