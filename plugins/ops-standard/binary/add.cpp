// SPDX-License-Identifier: Apache-2.0
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Add {
  template <class T> T operator()(T a, T b) const { return wrap_add(a, b); }
};
int64_t fold([[maybe_unused]] const Node& n, DimValue a, DimValue b) {
  if (a.number && b.number) return dim_number(wrap_add(a.v, b.v));
  if (a.number) std::swap(a, b);
  if (b.number && b.v < 0) return b.v == INT64_MIN ? kUnknown : dim_sub(n, a.v, -b.v);
  return dim_add(n, a.v, b.v);
}
}  // namespace
TENON_OPERATOR("tenon", "Add", 1, TENON_OF_IN_PLACE, "(A: T(num), B: T) -> (C: T)", infer_binary<fold>,
               (run_binary<Add, NumericTypes>));
}  // namespace tenon::ops
