// SPDX-License-Identifier: Apache-2.0
// Inverse: inverses of the matrices in the last two axes; a singular one is an error.
#include "misc/elimination.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  expect_square(node.in(0));
  node.set_out_like(0, 0);
}

template <class W>
void invert(const W* x, int64_t n, W* y) {
  std::vector<double> a(static_cast<size_t>(2 * n * n));
  for (int64_t r = 0; r < n; ++r) {
    std::copy_n(x + r * n, n, a.begin() + r * 2 * n);
    a[static_cast<size_t>(r * 2 * n + n + r)] = 1;
  }
  if (eliminate(a, n, 2 * n, true) == 0) throw invalid("a matrix is singular and has no inverse");
  for (int64_t i = 0; i < n * n; ++i) y[i] = static_cast<W>(a[static_cast<size_t>(i / n * 2 * n + n + i % n)]);
}

void run(const Node& node) {
  const int64_t n = node.in(0).dim(-1);
  visit_real_work(node.in(0).type(), [&]<class W>(Tag<W>) {
    Result<W> y(node.out(0));
    for_each_matrix<W>(node.in(0), [&](int64_t m, const W* x) { invert(x, n, y.data() + m * n * n); });
    y.commit();
  });
}

}  // namespace

TENON_OPERATOR("tenon", "Inverse", 1, 0, "(X: T(float)) -> (Y: T)", infer, run);
}  // namespace tenon::ops
