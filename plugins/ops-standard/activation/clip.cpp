// SPDX-License-Identifier: Apache-2.0
// min(max(x, lowest), highest); an absent bound is none. NaN stays NaN, and highest wins where the bounds cross.
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
template <class T>
compute_t<T> bound(const Node& node, uint32_t k, compute_t<T> otherwise) {
  if (!node.has_in(k)) return otherwise;
  if (node.in(k).count() != 1) fail("a bound must be one number", "1 element", shape_text(node.in(k)));
  return compute_t<T>(*node.in(k).data<T>());
}
template <class T>
void clip(const Node& node) {
  using C = compute_t<T>;
  using Limits = std::numeric_limits<C>;
  const C low = bound<T>(node, 1, std::is_floating_point_v<C> ? -Limits::infinity() : Limits::lowest());
  const C high = bound<T>(node, 2, std::is_floating_point_v<C> ? Limits::infinity() : Limits::max());
  const T* x = node.in(0).data<T>();
  T* y = node.out(0).mutable_data<T>();
  parallel_range(node, node.out(0).count(), [=](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      C v = C(x[i]);
      v = v < low ? low : v;
      y[i] = T(v > high ? high : v);
    }
  });
}
void check(const Node& node) {
  for (uint32_t k = 1; k < 3; ++k)
    if (node.has_in(k)) expect_same_type(node, 0, k);
}
void infer(const Node& node) {
  check(node);
  node.set_out_like(0, 0);
}
void run(const Node& node) {
  check(node);
  visit<NumericTypes>(node.in(0).type(), [&]<class T>(Tag<T>) { clip<T>(node); });
}
}  // namespace
TENON_OPERATOR("tenon", "Clip", 1, TENON_OF_IN_PLACE, "(X: T(num), min?: T, max?: T) -> (Y: T)", infer, run);
}  // namespace tenon::ops
