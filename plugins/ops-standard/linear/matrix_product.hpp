// SPDX-License-Identifier: Apache-2.0
// matrix_product.hpp - numpy's matmul for operators that differ in what their operands are made of.
#pragma once
#include "common/broadcast.hpp"
#include "common/gemm.hpp"
#include "common/infer.hpp"

namespace tenon::ops {

/// Output 0 is the product, of type `type`, of the stacks of matrices in inputs 0 and 1.
inline void infer_matrix_product(const Node& node, tenon_dtype type) {
  const Tensor a = node.in(0), b = node.in(1);
  expect_rank_at_least(a, 1, "the left matrix");
  expect_rank_at_least(b, 1, "the right matrix");
  if (!a.has_rank() || !b.has_rank()) return node.set_out_unranked(0, type);
  same_dim(a.dim(-1), b.dim(b.rank() > 1 ? -2 : 0), "inner dimensions of the matrices");
  Dims x = a.dims().vec(), y = b.dims().vec();
  x.resize(x.size() - std::min<size_t>(2, x.size()));
  y.resize(y.size() - std::min<size_t>(2, y.size()));
  Dims out = broadcast_dims(node, x, y);
  if (a.rank() > 1) out.push_back(a.dim(-2));
  if (b.rank() > 1) out.push_back(b.dim(-1));
  node.set_out(0, type, out);
}

/// Offsets, in matrices, of every operand of the batch.
inline std::vector<std::array<int64_t, 3>> batch_offsets(Dims a, Dims b) {
  const size_t rank = std::max(a.size(), b.size());
  a.insert(a.begin(), rank - a.size(), 1);
  b.insert(b.begin(), rank - b.size(), 1);
  Dims out(rank);
  for (size_t i = 0; i < rank; ++i) out[i] = a[i] == 1 ? b[i] : a[i];
  std::vector<std::array<int64_t, 3>> all;
  broadcast_loop<3>(out, {Span<int64_t>(a), Span<int64_t>(b)}).for_each([&](std::array<int64_t, 3> at) { all.push_back(at); });
  return all;
}

/// `left` and `right` hold the elements of inputs 0 and 1.
template <class W>
void run_matrix_product(const Node& node, const W* left, const W* right) {
  const Tensor a = node.in(0), b = node.in(1), y = node.out(0);
  if (y.count() == 0) return;
  const int64_t k = a.dim(-1), m = a.rank() > 1 ? a.dim(-2) : 1, n = b.rank() > 1 ? b.dim(-1) : 1;
  Dims stack = a.dims().vec(), other = b.dims().vec();
  stack.resize(stack.size() - std::min<size_t>(2, stack.size()));
  other.resize(other.size() - std::min<size_t>(2, other.size()));
  auto product = [&](const W* from, int64_t rows, const W* with, int64_t at) {
    const PackedLeft<W> packed(rows, k, [&](int64_t i, int64_t j) { return from[i * k + j]; });
    gemm(node, packed, n, [&](int64_t d, int64_t j0, int64_t count, W* to) { std::copy_n(with + d * n + j0, count, to); },
         [&](int64_t i, int64_t j0, int64_t count, sum_t<W>* sums) {
           store_sums<W>(y.mutable_data<void>(), y.type(), at + i * n + j0, sums, count);
         });
  };
  if (count_of(other.data(), static_cast<int32_t>(other.size())) == 1) return product(left, y.count() / n, right, 0);
  for (const auto& at : batch_offsets(stack, other)) product(left + at[1] * m * k, m, right + at[2] * k * n, at[0] * m * n);
}

}  // namespace tenon::ops
