// SPDX-License-Identifier: Apache-2.0
// elimination.hpp - Gaussian elimination with partial pivoting, in double, on the matrices in the last two axes of a tensor.
#pragma once
#include <cmath>
#include <utility>

#include "common/infer.hpp"
#include "common/work.hpp"

namespace tenon::ops {

inline void expect_square(const Tensor& x) {
  expect_rank_at_least(x, 2, "the input");
  if (x.has_rank()) same_dim(x.dim(-2), x.dim(-1), "rows and columns of the matrices");
}

/// Brings the n rows of `width` elements to echelon form in their first n columns; returns the determinant of these. A column without
/// a pivot ends it with 0. With `reduce` the first n columns become the unit matrix.
inline double eliminate(std::vector<double>& a, int64_t n, int64_t width, bool reduce) {
  const auto row = [&](int64_t r) { return a.data() + r * width; };
  double determinant = 1;
  for (int64_t c = 0; c < n; ++c) {
    int64_t pivot = c;
    for (int64_t r = c + 1; r < n; ++r)
      if (std::fabs(row(r)[c]) > std::fabs(row(pivot)[c])) pivot = r;
    const double p = row(pivot)[c];
    if (p == 0) return 0;
    determinant *= pivot == c ? p : -p;
    if (pivot != c) std::swap_ranges(row(c), row(c) + width, row(pivot));
    if (reduce)
      for (int64_t k = 0; k < width; ++k) row(c)[k] /= p;
    for (int64_t r = reduce ? 0 : c + 1; r < n; ++r) {
      const double factor = r == c ? 0 : row(r)[c] / row(c)[c];
      if (factor == 0) continue;
      for (int64_t k = c; k < width; ++k) row(r)[k] -= factor * row(c)[k];
    }
  }
  return determinant;
}

/// Calls f(index, matrix) with each matrix of x as W.
template <class W, class F>
void for_each_matrix(const Tensor& x, F&& f) {
  const Operand<W> in(x);
  const int64_t n = x.dim(-1), matrices = count_of(x.raw()->dim, x.rank() - 2);
  for (int64_t m = 0; m < matrices; ++m) f(m, in.data() + m * n * n);
}

}  // namespace tenon::ops
