// SPDX-License-Identifier: Apache-2.0
// equality.hpp - Equal and NotEqual: every element type, strings too.
#pragma once
#include "common/elementwise.hpp"

namespace tenon::ops {

using EqualityTypes = Join<NumericAndBoolTypes, MiniFloatTypes>;

template <class Op>
void compare_strings(const Node& node) {
  const auto loop = broadcast_loop<3>(node.out(0).dims(), {node.in(0).dims(), node.in(1).dims()});
  const auto *a = node.in(0).data<tenon_str>(), *b = node.in(1).data<tenon_str>();
  bool* y = node.out(0).mutable_data<bool>();
  loop.for_each([&](const auto& at) { y[at[0]] = Op{}(view(a[at[1]]), view(b[at[2]])); });
}
template <class Op>
void run_equality(const Node& node) {
  expect_same_type(node, 0, 1);
  if (node.in(0).type() == dt::string) return compare_strings<Op>(node);
  run_binary<Op, EqualityTypes>(node);
}
/// 1 equal, 0 different, kUnknown. A symbol is a size, so it never equals a negative number.
inline int64_t fold_equal(DimValue a, DimValue b) {
  if (a.unknown() || b.unknown()) return kUnknown;
  if (a.number && b.number) return a.v == b.v;
  if ((a.number && a.v < 0) || (b.number && b.v < 0)) return 0;
  return a.v == b.v && !a.number && !b.number ? 1 : kUnknown;
}

}  // namespace tenon::ops
