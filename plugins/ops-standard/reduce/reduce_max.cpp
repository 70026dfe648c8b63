// SPDX-License-Identifier: Apache-2.0
// Maximum; NaN when one element is NaN. Of nothing: minus infinity or the lowest integer.
#include "common/reduce.hpp"

namespace tenon::ops {
namespace {
struct Max {
  template <class C> using Acc = C;
  template <class C> Acc<C> start() const { return std::numeric_limits<C>::has_infinity ? -std::numeric_limits<C>::infinity() : std::numeric_limits<C>::lowest(); }
  template <class A, class C> A add(A a, C x) const { return maximum(a, x); }
  template <class A> A merge(A a, A b) const { return maximum(a, b); }
  template <class C> Acc<C> finish(Acc<C> a, [[maybe_unused]] int64_t n) const { return a; }
};
int64_t fold(const Node& n, int64_t a, int64_t b) { return dim_max(n, a, b); }
}  // namespace
TENON_OPERATOR("tenon", "ReduceMax", 1, 0, "(X: T(num|bool), axes?: i64) -> (Y: T) {keepdims?: int, noop_with_empty_axes?: int}",
               infer_reduce_fold<fold>, (run_reduce<Max, NumericAndBoolTypes>));
}  // namespace tenon::ops
