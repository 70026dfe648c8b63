// SPDX-License-Identifier: Apache-2.0
// True where all elements are.
#include "common/reduce.hpp"

namespace tenon::ops {
namespace {
struct All {
  template <class C> using Acc = bool;
  template <class C> Acc<C> start() const { return true; }
  template <class A, class C> A add(A a, C x) const { return a && x; }
  template <class A> A merge(A a, A b) const { return a && b; }
  template <class C> Acc<C> finish(Acc<C> a, [[maybe_unused]] int64_t n) const { return a; }
};
}  // namespace
TENON_OPERATOR("tenon", "ReduceAll", 1, 0, "(X: T(bool), axes?: i64) -> (Y: T) {keepdims?: int, noop_with_empty_axes?: int}",
               infer_reduce, (run_reduce<All, BoolTypes>));
}  // namespace tenon::ops
