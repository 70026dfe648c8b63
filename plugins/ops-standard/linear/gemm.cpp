// SPDX-License-Identifier: Apache-2.0
// Gemm: alpha * op(A) * op(B) + beta * C, then an optional activation. C broadcasts to [M, N]. Without transA, A may have more axes
// than two: all but the last are rows, and those of the result; C has no rows then.
#include "common/activation.hpp"
#include "common/broadcast.hpp"
#include "common/gemm.hpp"
#include "common/infer.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  const Tensor a = node.in(0), b = node.in(1), c = node.in(2);
  const bool ta = node.i("transA") != 0, tb = node.i("transB") != 0;
  if (ta || (a.has_rank() && a.rank() < 2)) expect_rank(a, 2, "matrix A");
  expect_rank(b, 2, "matrix B");
  const bool wide = a.has_rank() && a.rank() > 2;
  const int64_t m = wide ? 1 : a.has_rank() ? a.dim(ta ? 1 : 0) : kUnknown, n = b.has_rank() ? b.dim(tb ? 0 : 1) : kUnknown;
  if (a.has_rank() && b.has_rank()) same_dim(a.dim(ta ? 0 : -1), b.dim(tb ? 1 : 0), "inner dimensions of A and B");
  if (c && c.has_rank()) {
    if (c.rank() > 2) fail("C has a wrong rank", "rank 2 or less", "shape " + shape_text(c));
    for (int32_t i = 0; i < c.rank(); ++i) {
      const int64_t mine = c.dim(c.rank() - 1 - i), whole = i == 0 ? n : m;
      if (mine >= 0 && mine != 1) same_dim(whole, mine, "the product and C, which broadcasts to it,");
    }
  }
  check_activation(node);
  if (!a.has_rank() && !ta) return node.set_out_unranked(0, a.type());
  if (!wide) return node.set_out(0, a.type(), Dims{m, n});
  Dims d = a.dims().vec();
  d.back() = n;
  node.set_out(0, a.type(), d);
}

/// alpha or beta for integer work: must be a whole number.
template <class W>
sum_t<W> factor(const Node& node, const char* name) {
  const double f = node.f(name, 1);
  if constexpr (std::is_floating_point_v<W>) return f;
  else {
    if (f != std::floor(f) || std::fabs(f) > 9e15)
      throw unsupported(std::string(name) + " must be a whole number when the matrices are integers").with("found", std::to_string(f));
    return static_cast<sum_t<W>>(static_cast<int64_t>(f));
  }
}

void run(const Node& node) {
  const Tensor a = node.in(0), b = node.in(1), c = node.in(2), y = node.out(0);
  if (y.count() == 0) return;
  const bool ta = node.i("transA") != 0, tb = node.i("transB") != 0;
  const int64_t n = y.dim(-1), m = y.count() / n, k = a.dim(ta ? 0 : -1);
  const Activation activation(node);
  const Dims c_step = c ? broadcast_strides(c.dims(), Dims{m, n}) : Dims{0, 0};
  visit_work(y.type(), [&]<class W>(Tag<W>) {
    const Operand<W> p(a), q(b), add(c);
    const sum_t<W> alpha = factor<W>(node, "alpha"), beta = factor<W>(node, "beta");
    const PackedLeft<W> left(m, k, [&](int64_t i, int64_t j) { return ta ? p[j * m + i] : p[i * k + j]; });
    auto right = [&](int64_t d, int64_t j0, int64_t count, W* to) {
      for (int64_t j = 0; j < count; ++j) to[j] = tb ? q[(j0 + j) * k + d] : q[d * n + j0 + j];
    };
    auto store = [&](int64_t i, int64_t j0, int64_t count, sum_t<W>* sums) {
      for (int64_t j = 0; j < count; ++j) {
        sums[j] *= alpha;
        if (add) sums[j] += beta * add[i * c_step[0] + (j0 + j) * c_step[1]];
      }
      activation.apply(sums, count);
      store_sums<W>(y.mutable_data<void>(), y.type(), i * n + j0, sums, count);
    };
    gemm(node, left, n, right, store);
  });
}

}  // namespace

TENON_OPERATOR("tenon", "Gemm", 1, 0,
               "(A: T(num), B: T, C?: T) -> (Y: T) {alpha?: float, beta?: float, transA?: int, transB?: int, activation?: string, "
               "activation_params?: floats}",
               infer, run);
}  // namespace tenon::ops
