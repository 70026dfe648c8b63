// SPDX-License-Identifier: Apache-2.0
// softmax_rows.hpp - Softmax and LogSoftmax along one axis, shifted by the largest element, sums in double.
#pragma once
#include "norm/normalization.hpp"

namespace tenon::ops {

inline void infer_softmax(const Node& node) {
  if (node.in(0).has_rank() && node.in(0).rank() > 0) normalize_axis(node.i("axis", -1), node.in(0).rank());
  node.set_out_like(0, 0);
}

template <bool Log, class W>
void softmax_row(const W* x, W* y, int64_t n, int64_t step) {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (int64_t i = 0; i < n; ++i) largest = x[i * step] > largest || x[i * step] != x[i * step] ? x[i * step] : largest;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(x[i * step] - largest);
  const double shift = Log ? largest + std::log(sum) : largest;
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (Log) y[i * step] = static_cast<W>(x[i * step] - shift);
    else y[i * step] = static_cast<W>(std::exp(x[i * step] - shift) / sum);
  }
}

template <bool Log>
void run_softmax(const Node& node) {
  const Tensor x = node.in(0);
  if (x.count() == 0) return;
  const int64_t axis = x.rank() ? normalize_axis(node.i("axis", -1), x.rank()) : 0, n = x.rank() ? x.dim(static_cast<int32_t>(axis)) : 1;
  const int64_t inner = x.rank() ? span_count(x, axis + 1, x.rank()) : 1, rows = x.count() / n;
  visit_real_work(x.type(), [&]<class W>(Tag<W>) {
    const Operand<W> in(x);
    Result<W> y(node.out(0));
    node.parallel_for(rows, std::max<int64_t>(1, 4096 / n), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t at = r / inner * inner * n + r % inner;
        softmax_row<Log>(in.data() + at, y.data() + at, n, inner);
      }
    });
    y.commit();
  });
}

}  // namespace tenon::ops
