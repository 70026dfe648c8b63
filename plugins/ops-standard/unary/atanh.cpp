// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Atanh {
  template <class T> T operator()(T x) const { return std::atanh(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Atanh", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Atanh, FloatTypes>));
}  // namespace tenon::ops
