// SPDX-License-Identifier: Apache-2.0
// |x|; the lowest integer stays as it is.
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Abs {
  template <class T> T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) return std::fabs(x);
    else return x < T(0) ? wrap_neg(x) : x;
  }
};
}  // namespace
TENON_OPERATOR("tenon", "Abs", 1, TENON_OF_IN_PLACE, "(X: T(num)) -> (Y: T)", infer_same, (run_unary<Abs, NumericTypes>));
}  // namespace tenon::ops
