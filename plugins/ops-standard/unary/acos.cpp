// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Acos {
  template <class T> T operator()(T x) const { return std::acos(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Acos", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Acos, FloatTypes>));
}  // namespace tenon::ops
