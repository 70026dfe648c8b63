// SPDX-License-Identifier: Apache-2.0
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Sub {
  template <class T> T operator()(T a, T b) const { return wrap_sub(a, b); }
};
int64_t fold([[maybe_unused]] const Node& n, DimValue a, DimValue b) {
  if (a.number && b.number) return dim_number(wrap_sub(a.v, b.v));
  if (a.number && a.v < 0) return kUnknown;
  if (b.number && b.v < 0) return b.v == INT64_MIN ? kUnknown : dim_add(n, a.v, -b.v);
  return dim_sub(n, a.v, b.v);
}
}  // namespace
TENON_OPERATOR("tenon", "Sub", 1, TENON_OF_IN_PLACE, "(A: T(num), B: T) -> (C: T)", infer_binary<fold>,
               (run_binary<Sub, NumericTypes>));
}  // namespace tenon::ops
