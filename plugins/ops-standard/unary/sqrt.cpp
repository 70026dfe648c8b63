// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Sqrt {
  template <class T> T operator()(T x) const { return std::sqrt(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Sqrt", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Sqrt, FloatTypes>));
}  // namespace tenon::ops
