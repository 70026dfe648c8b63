// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Sinh {
  template <class T> T operator()(T x) const { return std::sinh(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Sinh", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Sinh, FloatTypes>));
}  // namespace tenon::ops
