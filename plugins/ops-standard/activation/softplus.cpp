// SPDX-License-Identifier: Apache-2.0
// log(1 + exp(x)), without overflow.
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Softplus {
  template <class T> T operator()(T x) const { return std::log1p(std::exp(-std::fabs(x))) + (x > 0 ? x : x < 0 ? 0 : x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Softplus", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Softplus, FloatTypes>));
}  // namespace tenon::ops
