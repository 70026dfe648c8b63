// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Asinh {
  template <class T> T operator()(T x) const { return std::asinh(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Asinh", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Asinh, FloatTypes>));
}  // namespace tenon::ops
