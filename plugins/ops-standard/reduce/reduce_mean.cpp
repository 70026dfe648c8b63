// SPDX-License-Identifier: Apache-2.0
// Mean. Floats in double; that of integers is truncated toward zero.
#include "common/reduce.hpp"

namespace tenon::ops {
namespace {
struct Mean {
  template <class C> using Acc = accumulate_t<C>;
  template <class C> Acc<C> start() const { return 0; }
  template <class A, class C> A add(A a, C x) const { return wrap_add(a, static_cast<A>(x)); }
  template <class A> A merge(A a, A b) const { return wrap_add(a, b); }
  template <class C> Acc<C> finish(Acc<C> a, [[maybe_unused]] int64_t n) const { return divide(a, static_cast<Acc<C>>(n)); }
};
}  // namespace
TENON_OPERATOR("tenon", "ReduceMean", 1, 0, "(X: T(num), axes?: i64) -> (Y: T) {keepdims?: int, noop_with_empty_axes?: int}",
               infer_reduce, (run_reduce<Mean, NumericTypes>));
}  // namespace tenon::ops
