// SPDX-License-Identifier: Apache-2.0
// Minimum; NaN when one element is NaN. Of nothing: infinity or the highest integer.
#include "common/reduce.hpp"

namespace tenon::ops {
namespace {
struct Min {
  template <class C> using Acc = C;
  template <class C> Acc<C> start() const { return std::numeric_limits<C>::has_infinity ? std::numeric_limits<C>::infinity() : std::numeric_limits<C>::max(); }
  template <class A, class C> A add(A a, C x) const { return minimum(a, x); }
  template <class A> A merge(A a, A b) const { return minimum(a, b); }
  template <class C> Acc<C> finish(Acc<C> a, [[maybe_unused]] int64_t n) const { return a; }
};
int64_t fold(const Node& n, int64_t a, int64_t b) { return dim_min(n, a, b); }
}  // namespace
TENON_OPERATOR("tenon", "ReduceMin", 1, 0, "(X: T(num|bool), axes?: i64) -> (Y: T) {keepdims?: int, noop_with_empty_axes?: int}",
               infer_reduce_fold<fold>, (run_reduce<Min, NumericAndBoolTypes>));
}  // namespace tenon::ops
