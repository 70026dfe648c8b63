// SPDX-License-Identifier: Apache-2.0
// Larger operand; NaN when one is NaN.
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Maximum {
  template <class T> T operator()(T a, T b) const { return maximum(a, b); }
};
int64_t fold([[maybe_unused]] const Node& n, DimValue a, DimValue b) {
  if (a.number && b.number) return dim_number(std::max(a.v, b.v));
  if (a.v < 0 && a.number) return b.v;
  if (b.v < 0 && b.number) return a.v;
  return dim_max(n, a.v, b.v);
}
}  // namespace
TENON_OPERATOR("tenon", "Maximum", 1, TENON_OF_IN_PLACE, "(A: T(num), B: T) -> (C: T)", infer_binary<fold>,
               (run_binary<Maximum, NumericTypes>));
}  // namespace tenon::ops
