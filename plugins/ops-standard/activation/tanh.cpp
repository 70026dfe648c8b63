// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Tanh {
  template <class T> T operator()(T x) const { return std::tanh(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Tanh", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Tanh, FloatTypes>));
}  // namespace tenon::ops
