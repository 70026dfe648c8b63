// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Exp {
  template <class T> T operator()(T x) const { return std::exp(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Exp", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Exp, FloatTypes>));
}  // namespace tenon::ops
