// SPDX-License-Identifier: Apache-2.0
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Mul {
  template <class T> T operator()(T a, T b) const { return wrap_mul(a, b); }
};
int64_t fold([[maybe_unused]] const Node& n, DimValue a, DimValue b) {
  if (a.number && b.number) return dim_number(wrap_mul(a.v, b.v));
  if ((a.number && a.v < 0) || (b.number && b.v < 0)) return kUnknown;
  return dim_mul(n, a.v, b.v);
}
}  // namespace
TENON_OPERATOR("tenon", "Mul", 1, TENON_OF_IN_PLACE, "(A: T(num), B: T) -> (C: T)", infer_binary<fold>,
               (run_binary<Mul, NumericTypes>));
}  // namespace tenon::ops
