// SPDX-License-Identifier: Apache-2.0
// Smaller operand; NaN when one is NaN.
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Minimum {
  template <class T> T operator()(T a, T b) const { return minimum(a, b); }
};
int64_t fold([[maybe_unused]] const Node& n, DimValue a, DimValue b) {
  if (a.number && b.number) return dim_number(std::min(a.v, b.v));
  if (a.v < 0 && a.number) return kUnknown;
  if (b.v < 0 && b.number) return kUnknown;
  return dim_min(n, a.v, b.v);
}
}  // namespace
TENON_OPERATOR("tenon", "Minimum", 1, TENON_OF_IN_PLACE, "(A: T(num), B: T) -> (C: T)", infer_binary<fold>,
               (run_binary<Minimum, NumericTypes>));
}  // namespace tenon::ops
