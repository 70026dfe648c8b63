// SPDX-License-Identifier: Apache-2.0
// scan.hpp - CumSum and CumProd: running totals along an axis, {exclusive = 0, reverse = 0}.
#pragma once
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {

inline void infer_scan(const Node& node) {
  node.set_out_like(0, 0);
  const auto axis = known_int(node, 1);
  if (axis && node.in(0).has_rank()) normalize_axis(*axis, node.in(0).rank());
}
/// Op: {static constexpr int start; A operator()(A, A)}.
template <class Op, class T>
void scan_kernel(const Node& node) {
  using A = accumulate_t<compute_t<T>>;
  const Tensor x = node.in(0);
  if (node.in(1).count() != 1) fail("the axis must be one number", "1 element", shape_text(node.in(1)));
  const auto axis = static_cast<int32_t>(normalize_axis(node.in(1).ints()[0], x.rank()));
  const int64_t n = x.dim(axis), inner = count_of(x.dims().data() + axis + 1, x.rank() - axis - 1), outer = count_of(x.dims().data(), axis);
  const bool exclusive = node.i("exclusive") != 0, reverse = node.i("reverse") != 0;
  const T* from = x.data<T>();
  T* to = node.out(0).mutable_data<T>();
  for (int64_t row = 0; row < outer * inner; ++row) {
    const int64_t base = row / inner * n * inner + row % inner;
    A total = Op::start;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t at = base + (reverse ? n - 1 - i : i) * inner;
      const A before = total;
      total = Op{}(total, static_cast<A>(compute_t<T>(from[at])));
      to[at] = T(exclusive ? before : total);
    }
  }
}
template <class Op>
void run_scan(const Node& node) {
  visit<NumericTypes>(node.in(0).type(), [&]<class T>(Tag<T>) { scan_kernel<Op, T>(node); });
}

}  // namespace tenon::ops
