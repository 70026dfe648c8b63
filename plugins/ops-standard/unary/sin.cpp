// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Sin {
  template <class T> T operator()(T x) const { return std::sin(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Sin", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Sin, FloatTypes>));
}  // namespace tenon::ops
