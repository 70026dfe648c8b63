// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Tan {
  template <class T> T operator()(T x) const { return std::tan(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Tan", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Tan, FloatTypes>));
}  // namespace tenon::ops
