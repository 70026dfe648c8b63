// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Asin {
  template <class T> T operator()(T x) const { return std::asin(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Asin", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Asin, FloatTypes>));
}  // namespace tenon::ops
