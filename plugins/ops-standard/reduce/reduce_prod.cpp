// SPDX-License-Identifier: Apache-2.0
// Product. Floats are multiplied in double; integers wrap.
#include "common/reduce.hpp"

namespace tenon::ops {
namespace {
struct Product {
  template <class C> using Acc = accumulate_t<C>;
  template <class C> Acc<C> start() const { return 1; }
  template <class A, class C> A add(A a, C x) const { return wrap_mul(a, static_cast<A>(x)); }
  template <class A> A merge(A a, A b) const { return wrap_mul(a, b); }
  template <class C> Acc<C> finish(Acc<C> a, [[maybe_unused]] int64_t n) const { return a; }
};
int64_t fold(const Node& n, int64_t a, int64_t b) { return dim_mul(n, a, b); }
}  // namespace
TENON_OPERATOR("tenon", "ReduceProd", 1, 0, "(X: T(num), axes?: i64) -> (Y: T) {keepdims?: int, noop_with_empty_axes?: int}",
               infer_reduce_fold<fold>, (run_reduce<Product, NumericTypes>));
}  // namespace tenon::ops
