// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Ceil {
  template <class T> T operator()(T x) const { return std::ceil(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Ceil", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Ceil, FloatTypes>));
}  // namespace tenon::ops
