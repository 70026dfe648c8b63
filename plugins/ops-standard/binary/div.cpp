// SPDX-License-Identifier: Apache-2.0
// Quotient; integers truncate toward zero, and their division by zero gives 0.
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Div {
  template <class T> T operator()(T a, T b) const { return divide(a, b); }
};
int64_t fold([[maybe_unused]] const Node& n, DimValue a, DimValue b) {
  if (a.number && b.number) return dim_number(divide(a.v, b.v));
  if ((a.number && a.v < 0) || (b.number && b.v <= 0)) return kUnknown;
  return dim_floordiv(n, a.v, b.v);
}
}  // namespace
TENON_OPERATOR("tenon", "Div", 1, TENON_OF_IN_PLACE, "(A: T(num), B: T) -> (C: T)", infer_binary<fold>,
               (run_binary<Div, NumericTypes>));
}  // namespace tenon::ops
