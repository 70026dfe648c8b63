// SPDX-License-Identifier: Apache-2.0
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Sigmoid {
  template <class T> T operator()(T x) const { return sigmoid(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Sigmoid", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Sigmoid, FloatTypes>));
}  // namespace tenon::ops
