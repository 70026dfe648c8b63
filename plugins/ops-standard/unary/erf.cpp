// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Erf {
  template <class T> T operator()(T x) const { return std::erf(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Erf", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Erf, FloatTypes>));
}  // namespace tenon::ops
