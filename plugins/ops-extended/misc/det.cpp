// SPDX-License-Identifier: Apache-2.0
// Det: determinant of the matrices in the last two axes.
#include "misc/elimination.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  const Tensor x = node.in(0);
  expect_square(x);
  if (!x.has_rank()) return node.set_out_unranked(0, x.type());
  node.set_out(0, x.type(), Dims(x.dims().begin(), x.dims().end() - 2));
}

void run(const Node& node) {
  const int64_t n = node.in(0).dim(-1);
  visit_real_work(node.in(0).type(), [&]<class W>(Tag<W>) {
    Result<W> y(node.out(0));
    for_each_matrix<W>(node.in(0), [&](int64_t m, const W* x) {
      std::vector<double> a(x, x + n * n);
      y[m] = static_cast<W>(eliminate(a, n, n, false));
    });
    y.commit();
  });
}

}  // namespace

TENON_OPERATOR("tenon", "Det", 1, 0, "(X: T(float)) -> (Y: T)", infer, run);
}  // namespace tenon::ops
