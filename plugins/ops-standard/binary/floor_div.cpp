// SPDX-License-Identifier: Apache-2.0
// Quotient rounded toward minus infinity; integers divided by zero give 0.
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct FloorDiv {
  template <class T> T operator()(T a, T b) const { return divide_floored(a, b); }
};
int64_t fold([[maybe_unused]] const Node& n, DimValue a, DimValue b) {
  if (a.number && b.number) return dim_number(divide_floored(a.v, b.v));
  if ((a.number && a.v < 0) || (b.number && b.v <= 0)) return kUnknown;
  return dim_floordiv(n, a.v, b.v);
}
}  // namespace
TENON_OPERATOR("tenon", "FloorDiv", 1, TENON_OF_IN_PLACE, "(A: T(num), B: T) -> (C: T)", infer_binary<fold>,
               (run_binary<FloorDiv, NumericTypes>));
}  // namespace tenon::ops
