// SPDX-License-Identifier: Apache-2.0
// MatMul: numpy's matmul; exact (wrapping) on integers.
#include "common/broadcast.hpp"
#include "common/gemm.hpp"
#include "common/infer.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  const Tensor a = node.in(0), b = node.in(1);
  expect_rank_at_least(a, 1, "the left matrix");
  expect_rank_at_least(b, 1, "the right matrix");
  if (!a.has_rank() || !b.has_rank()) return node.set_out_unranked(0, a.type());
  same_dim(a.dim(-1), b.dim(b.rank() > 1 ? -2 : 0), "inner dimensions of the matrices");
  Dims x = a.dims().vec(), y = b.dims().vec();
  x.resize(x.size() - std::min<size_t>(2, x.size()));
  y.resize(y.size() - std::min<size_t>(2, y.size()));
  Dims out = broadcast_dims(node, x, y);
  if (a.rank() > 1) out.push_back(a.dim(-2));
  if (b.rank() > 1) out.push_back(b.dim(-1));
  node.set_out(0, a.type(), out);
}

/// Offsets, in matrices, of every operand of the batch.
std::vector<std::array<int64_t, 3>> batch_offsets(Dims a, Dims b) {
  const size_t rank = std::max(a.size(), b.size());
  a.insert(a.begin(), rank - a.size(), 1);
  b.insert(b.begin(), rank - b.size(), 1);
  Dims out(rank);
  for (size_t i = 0; i < rank; ++i) out[i] = a[i] == 1 ? b[i] : a[i];
  std::vector<std::array<int64_t, 3>> all;
  broadcast_loop<3>(out, {Span<int64_t>(a), Span<int64_t>(b)}).for_each([&](std::array<int64_t, 3> at) { all.push_back(at); });
  return all;
}

void run(const Node& node) {
  const Tensor a = node.in(0), b = node.in(1), y = node.out(0);
  if (y.count() == 0) return;
  const int64_t k = a.dim(-1), m = a.rank() > 1 ? a.dim(-2) : 1, n = b.rank() > 1 ? b.dim(-1) : 1;
  Dims left = a.dims().vec(), right = b.dims().vec();
  left.resize(left.size() - std::min<size_t>(2, left.size()));
  right.resize(right.size() - std::min<size_t>(2, right.size()));
  const bool shared = count_of(right.data(), static_cast<int32_t>(right.size())) == 1;
  visit_work(y.type(), [&]<class W>(Tag<W>) {
    const Operand<W> p(a), q(b);
    auto product = [&](const W* from, int64_t rows, const W* with, int64_t at) {
      const PackedLeft<W> packed(rows, k, [&](int64_t i, int64_t j) { return from[i * k + j]; });
      gemm(node, packed, n,
           [&](int64_t d, int64_t j0, int64_t count, W* to) { std::copy_n(with + d * n + j0, count, to); },
           [&](int64_t i, int64_t j0, int64_t count, sum_t<W>* sums) {
             store_sums<W>(y.mutable_data<void>(), y.type(), at + i * n + j0, sums, count);
           });
    };
    if (shared) return product(p.data(), a.count() / std::max<int64_t>(k, 1) + (k == 0 ? y.count() / n : 0), q.data(), 0);
    for (const auto& at : batch_offsets(left, right)) product(p.data() + at[1] * m * k, m, q.data() + at[2] * k * n, at[0] * m * n);
  });
}

}  // namespace

TENON_OPERATOR("tenon", "MatMul", 1, 0, "(A: T(num), B: T) -> (Y: T)", infer, run);
}  // namespace tenon::ops
