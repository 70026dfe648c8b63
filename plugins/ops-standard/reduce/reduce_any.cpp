// SPDX-License-Identifier: Apache-2.0
// True where one element is.
#include "common/reduce.hpp"

namespace tenon::ops {
namespace {
struct Any {
  template <class C> using Acc = bool;
  template <class C> Acc<C> start() const { return false; }
  template <class A, class C> A add(A a, C x) const { return a || x; }
  template <class A> A merge(A a, A b) const { return a || b; }
  template <class C> Acc<C> finish(Acc<C> a, [[maybe_unused]] int64_t n) const { return a; }
};
}  // namespace
TENON_OPERATOR("tenon", "ReduceAny", 1, 0, "(X: T(bool), axes?: i64) -> (Y: T) {keepdims?: int, noop_with_empty_axes?: int}",
               infer_reduce, (run_reduce<Any, BoolTypes>));
}  // namespace tenon::ops
