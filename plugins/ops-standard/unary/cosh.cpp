// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Cosh {
  template <class T> T operator()(T x) const { return std::cosh(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Cosh", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Cosh, FloatTypes>));
}  // namespace tenon::ops
