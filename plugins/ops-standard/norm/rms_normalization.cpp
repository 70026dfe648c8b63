// SPDX-License-Identifier: Apache-2.0
// RMSNormalization: X / sqrt(mean(X * X) + epsilon) * scale, the mean over the axes from `axis` on.
#include "common/broadcast.hpp"
#include "norm/normalization.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  const Tensor x = node.in(0), scale = node.in(1);
  if (x.has_rank()) {
    normalize_axis(node.i("axis", -1), x.rank());
    if (scale.has_rank() && scale.rank() > x.rank()) fail("scale has more axes than the input", "shape that broadcasts to " + shape_text(x), shape_text(scale));
  }
  if (!x.has_rank()) return node.set_out_unranked(0, scale.type());
  node.set_out(0, scale.type(), x.dims());
}

void run(const Node& node) {
  const Tensor x = node.in(0), scale = node.in(1);
  const int64_t axis = normalize_axis(node.i("axis", -1), x.rank());
  const int64_t rows = span_count(x, 0, axis), n = span_count(x, axis, x.rank());
  const double epsilon = node.f("epsilon", 1e-5);
  visit_real_work(x.type() == dt::f64 ? x.type() : scale.type(), [&]<class W>(Tag<W>) {
    const Operand<W> in(x), factor(scale);
    Result<W> y(node.out(0));
    std::vector<double> norm(static_cast<size_t>(rows));
    for (int64_t r = 0; r < rows; ++r) {
      double squares = 0;
      for (int64_t i = r * n; i < (r + 1) * n; ++i) squares += static_cast<double>(in[i]) * in[i];
      norm[static_cast<size_t>(r)] = 1 / std::sqrt(squares / static_cast<double>(n) + epsilon);
    }
    broadcast_loop<2>(x.dims(), {scale.dims()}).for_each([&](std::array<int64_t, 2> at) {
      y[at[0]] = static_cast<W>(in[at[0]] * norm[static_cast<size_t>(at[0] / n)] * factor[at[1]]);
    });
    y.commit();
  });
}

}  // namespace

TENON_OPERATOR("tenon", "RMSNormalization", 1, 0, "(X: T(float), scale: S(float)) -> (Y: S) {axis?: int, epsilon?: float}", infer, run);
}  // namespace tenon::ops
