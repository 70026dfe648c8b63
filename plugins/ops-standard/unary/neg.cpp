// SPDX-License-Identifier: Apache-2.0
// -x; the lowest integer stays as it is.
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Neg {
  template <class T> T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) return -x;
    else return wrap_neg(x);
  }
};
}  // namespace
TENON_OPERATOR("tenon", "Neg", 1, TENON_OF_IN_PLACE, "(X: T(float|int)) -> (Y: T)", infer_same, (run_unary<Neg, SignedNumericTypes>));
}  // namespace tenon::ops
