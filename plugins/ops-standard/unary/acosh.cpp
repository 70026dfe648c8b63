// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Acosh {
  template <class T> T operator()(T x) const { return std::acosh(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Acosh", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Acosh, FloatTypes>));
}  // namespace tenon::ops
