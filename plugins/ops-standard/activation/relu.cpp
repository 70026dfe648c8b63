// SPDX-License-Identifier: Apache-2.0
// max(0, x); NaN stays NaN.
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Relu {
  template <class T> T operator()(T x) const { return x < T(0) ? T(0) : x; }
};
}  // namespace
TENON_OPERATOR("tenon", "Relu", 1, TENON_OF_IN_PLACE, "(X: T(num)) -> (Y: T)", infer_same, (run_unary<Relu, NumericTypes>));
}  // namespace tenon::ops
