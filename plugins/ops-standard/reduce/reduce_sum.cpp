// SPDX-License-Identifier: Apache-2.0
// Sum. Floats are added in double; integers wrap.
#include "common/reduce.hpp"

namespace tenon::ops {
namespace {
struct Sum {
  template <class C> using Acc = accumulate_t<C>;
  template <class C> Acc<C> start() const { return 0; }
  template <class A, class C> A add(A a, C x) const { return wrap_add(a, static_cast<A>(x)); }
  template <class A> A merge(A a, A b) const { return wrap_add(a, b); }
  template <class C> Acc<C> finish(Acc<C> a, [[maybe_unused]] int64_t n) const { return a; }
};
int64_t fold(const Node& n, int64_t a, int64_t b) { return dim_add(n, a, b); }
}  // namespace
TENON_OPERATOR("tenon", "ReduceSum", 1, 0, "(X: T(num), axes?: i64) -> (Y: T) {keepdims?: int, noop_with_empty_axes?: int}",
               infer_reduce_fold<fold>, (run_reduce<Sum, NumericTypes>));
}  // namespace tenon::ops
