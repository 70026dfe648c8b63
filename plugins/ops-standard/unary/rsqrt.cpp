// SPDX-License-Identifier: Apache-2.0
// 1 / sqrt(x)
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Rsqrt {
  template <class T> T operator()(T x) const { return 1 / std::sqrt(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Rsqrt", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Rsqrt, FloatTypes>));
}  // namespace tenon::ops
