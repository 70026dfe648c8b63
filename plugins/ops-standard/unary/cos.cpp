// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Cos {
  template <class T> T operator()(T x) const { return std::cos(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Cos", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Cos, FloatTypes>));
}  // namespace tenon::ops
