// SPDX-License-Identifier: Apache-2.0
// arg_reduce.hpp - ArgMax and ArgMin: index of the extreme element along an axis.
#pragma once
#include "common/elementwise.hpp"

namespace tenon::ops {

inline void infer_arg(const Node& node) {
  const Tensor x = node.in(0);
  if (!x.has_rank()) return node.set_out_unranked(0, dt::i64);
  const auto axis = static_cast<size_t>(normalize_axis(node.i("axis"), x.rank()));
  Dims dims = x.dims().vec();
  if (dims[axis] == 0) fail("the axis to search is empty", "at least 1 element", shape_text(x));
  if (node.i("keepdims", 1)) dims[axis] = 1;
  else dims.erase(dims.begin() + static_cast<ptrdiff_t>(axis));
  node.set_out(0, dt::i64, dims);
}
/// Better(a, b): a comes before b. The first NaN wins over every number, as in numpy.
template <class Better, class T>
void arg_kernel(const Node& node) {
  using C = compute_t<T>;
  const Tensor x = node.in(0);
  const int64_t axis = normalize_axis(node.i("axis"), x.rank());
  const bool last = node.i("select_last_index") != 0;
  const int64_t n = x.dim(static_cast<int32_t>(axis)), inner = count_of(x.dims().data() + axis + 1, x.rank() - static_cast<int32_t>(axis) - 1);
  const int64_t outputs = node.out(0).count();
  const T* from = x.data<T>();
  int64_t* to = node.out(0).mutable_data<int64_t>();
  parallel_range(node, outputs, [=](int64_t b, int64_t e) {
    for (int64_t o = b; o < e; ++o) {
      const T* row = from + o / inner * n * inner + o % inner;
      C best = C(row[0]);
      int64_t at = 0;
      for (int64_t i = 1; i < n && best == best; ++i) {
        const C v = C(row[i * inner]);
        if (Better{}(v, best) || (last && v == best) || v != v) best = v, at = i;
      }
      to[o] = at;
    }
  });
}
template <class Better>
void run_arg(const Node& node) {
  visit<NumericTypes>(node.in(0).type(), [&]<class T>(Tag<T>) { arg_kernel<Better, T>(node); });
}

}  // namespace tenon::ops
