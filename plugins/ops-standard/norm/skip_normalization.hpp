// SPDX-License-Identifier: Apache-2.0
// skip_normalization.hpp - a normalization of X + skip whose sum is a result too.
#pragma once
#include "common/broadcast.hpp"
#include "common/expanded.hpp"
#include "norm/normalization.hpp"

namespace tenon::ops {

/// skip (input 1) broadcasts to X; parameters have the shape of the normalized axes.
inline void infer_skip_normalization(const Node& node, uint32_t last_parameter) {
  const Tensor x = node.in(0), skip = node.in(1);
  node.set_out_like(0, 0);
  node.set_out_like(1, 0);
  if (!x.has_rank()) return;
  const int64_t axis = normalize_axis(node.i("axis", -1), x.rank());
  if (skip.has_rank() && skip.rank() > x.rank()) fail("skip has more axes than the input", "shape that broadcasts to " + shape_text(x), shape_text(skip));
  for (int32_t k = 1; skip.has_rank() && k <= skip.rank(); ++k)
    if (skip.dim(-k) != 1 && skip.dim(-k) >= 0) same_dim(x.dim(-k), skip.dim(-k), "dimensions of the input and of skip");
  for (uint32_t p = 2; p <= last_parameter; ++p) {
    if (!node.has_in(p) || !node.in(p).has_rank()) continue;
    expect_rank(node.in(p), x.rank() - static_cast<int32_t>(axis), "a parameter");
    for (int32_t k = 1; k <= node.in(p).rank(); ++k) same_dim(x.dim(-k), node.in(p).dim(-k), "dimensions of a parameter and of the input");
  }
}

/// X + skip, rounded to W.
template <class W>
std::vector<W> skip_sum(const Node& node) {
  const Operand<W> x(node.in(0)), skip(node.in(1));
  std::vector<W> sum(static_cast<size_t>(x.count()));
  broadcast_loop<2>(node.in(0).dims(), {node.in(1).dims()}).for_each([&](std::array<int64_t, 2> at) { sum[static_cast<size_t>(at[0])] = x[at[0]] + skip[at[1]]; });
  return sum;
}

/// Y = (sum - mean) * factor * scale + bias for each row, and the sum; `statistics` gives mean and factor of a row.
template <class F>
void run_skip_normalization(const Node& node, F&& statistics) {
  const Tensor x = node.in(0);
  const int64_t axis = normalize_axis(node.i("axis", -1), x.rank());
  const int64_t rows = span_count(x, 0, axis), n = span_count(x, axis, x.rank());
  const double epsilon = node.f("epsilon", 1e-5);
  visit_real_work(x.type(), [&]<class W>(Tag<W>) {
    const std::vector<W> sum = skip_sum<W>(node);
    const Operand<W> scale(node.in(2)), bias(node.in(3));
    Result<W> y(node.out(0)), total(node.out(1));
    for (int64_t r = 0; r < rows; ++r) {
      const W* p = sum.data() + r * n;
      const auto [mean, variance] = statistics(p, n);
      const double factor = 1 / std::sqrt(variance + epsilon);
      if (y)
        for (int64_t i = 0; i < n; ++i) y[r * n + i] = static_cast<W>((p[i] - mean) * factor * (scale ? scale[i] : 1) + (bias ? bias[i] : 0));
      if (total) std::copy_n(p, n, total.data() + r * n);
    }
    y.commit();
    total.commit();
  });
}

/// The sum, and `normalization` of it.
inline void expand_skip_normalization(Lower& l, const char* normalization) {
  const tenon_value sum = l.emit("Add", {l.in(0), l.in(1)});
  std::vector<tenon_value> in = {sum};
  for (uint64_t k = 2; k < l.n_in(); ++k) in.push_back(l.in(k));
  AttrList attrs;
  for (const tenon_attr& a : l.all()) attrs.copy(a);
  const tenon_value y = l.emit(normalization, in, attrs);
  std::vector<tenon_value> out = {y};
  if (l.has_out(1)) out.push_back(sum);
  l.done(out);
}

}  // namespace tenon::ops
