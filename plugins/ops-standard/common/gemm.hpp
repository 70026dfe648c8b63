// SPDX-License-Identifier: Apache-2.0
// gemm.hpp - the one matrix product behind Conv, ConvTranspose, MatMul and Gemm. The right matrix is never stored: the caller
// packs pieces of it, so a convolution needs no column matrix. Same bits with any number of threads.
#pragma once
#include "common/work.hpp"

#include <algorithm>

namespace tenon::ops {

namespace gemm_detail {
inline constexpr int64_t kRows = 4;     // rows of a register tile
inline constexpr int64_t kDepth = 128;  // terms summed in W before they go into the wider sum
inline constexpr int64_t kColumns = 64; // columns of a task
inline constexpr int64_t kLanes = 16;   // tasks that may run at once
template <class W> inline constexpr int64_t kTile = 32 / static_cast<int64_t>(sizeof(W));  // columns of a register tile

/// sums[r][c] += a[.., r] * b[.., c] over `depth` terms.
template <class W, int64_t R>
void tile(const W* a, const W* b, int64_t depth, sum_t<W>* sums, int64_t stride) {
  constexpr int64_t N = kTile<W>;
  W acc[R][N] = {};
  for (int64_t k = 0; k < depth; ++k, a += R, b += N)
    for (int64_t r = 0; r < R; ++r)
      for (int64_t c = 0; c < N; ++c) acc[r][c] += a[r] * b[c];
  for (int64_t r = 0; r < R; ++r)
    for (int64_t c = 0; c < N; ++c) sums[r * stride + c] += acc[r][c];
}

/// One task's memory: packed columns and sums.
template <class W>
struct Lane {
  std::vector<W> rows, columns;
  std::vector<sum_t<W>> sums;
};

template <class W, int64_t R>
void multiply(const std::vector<W>& left, int64_t panels, int64_t k, int64_t k0, int64_t depth, int64_t width, Lane<W>& lane) {
  constexpr int64_t N = kTile<W>;
  for (int64_t c = 0; c < width; c += N)
    for (int64_t p = 0; p < panels; ++p)
      tile<W, R>(left.data() + (p * k + k0) * R, lane.columns.data() + c * depth, depth, lane.sums.data() + p * R * kColumns + c, kColumns);
}

/// Lays row-major rows of kColumns elements out as tiles: for each tile of columns all its depth.
template <class W>
void interleave(Lane<W>& lane, int64_t depth, int64_t width) {
  constexpr int64_t N = kTile<W>;
  for (int64_t c = 0; c < width; c += N)
    for (int64_t k = 0; k < depth; ++k)
      std::copy_n(lane.rows.data() + k * kColumns + c, N, lane.columns.data() + c * depth + k * N);
}
}  // namespace gemm_detail

/// The left matrix, m x k, laid out in panels of rows.
template <class W>
struct PackedLeft {
  int64_t m, k, rows;
  std::vector<W> data;
  /// element(i, j) gives row i, column j.
  template <class F>
  PackedLeft(int64_t m_, int64_t k_, F&& element) : m(m_), k(k_), rows(m_ == 1 ? 1 : gemm_detail::kRows) {
    const int64_t panels = (m + rows - 1) / rows;
    data.resize(static_cast<size_t>(panels * k * rows));
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < k; ++j) data[static_cast<size_t>(((i / rows) * k + j) * rows + i % rows)] = element(i, j);
  }
};

/// left (m x k) times a right matrix (k x n).
///   right(k, j0, count, to)  writes elements (k, j0 .. j0+count) to to[0 .. count)
///   store(i, j0, count, sums)  takes elements (i, j0 .. j0+count); it may change sums. From several threads, disjoint parts.
template <class W, class Right, class Store>
void gemm(const Node& node, const PackedLeft<W>& left, int64_t n, Right&& right, Store&& store) {
  using namespace gemm_detail;
  const int64_t m = left.m, k = left.k, panels = (m + left.rows - 1) / left.rows, tasks = (n + kColumns - 1) / kColumns;
  if (m == 0 || n == 0) return;
  const int64_t lanes = std::min(tasks, kLanes);
  std::vector<Lane<W>> memory(static_cast<size_t>(lanes));
  for (auto& lane : memory) {
    lane.rows.resize(kDepth * kColumns);
    lane.columns.resize(kDepth * kColumns);
    lane.sums.resize(static_cast<size_t>(panels * left.rows * kColumns));
  }
  auto task = [&](int64_t t, Lane<W>& lane) {
    const int64_t j0 = t * kColumns, count = std::min(kColumns, n - j0), width = (count + kTile<W> - 1) / kTile<W> * kTile<W>;
    std::fill(lane.sums.begin(), lane.sums.end(), sum_t<W>(0));
    for (int64_t k0 = 0; k0 < k; k0 += kDepth) {
      const int64_t depth = std::min(kDepth, k - k0);
      for (int64_t d = 0; d < depth; ++d) {
        right(k0 + d, j0, count, lane.rows.data() + d * kColumns);
        std::fill(lane.rows.data() + d * kColumns + count, lane.rows.data() + d * kColumns + width, W(0));
      }
      interleave(lane, depth, width);
      if (left.rows == 1) multiply<W, 1>(left.data, panels, k, k0, depth, width, lane);
      else multiply<W, kRows>(left.data, panels, k, k0, depth, width, lane);
    }
    for (int64_t i = 0; i < m; ++i) store(i, j0, count, lane.sums.data() + i * kColumns);
  };
  node.parallel_for(lanes, 1, [&](int64_t begin, int64_t end) {
    for (int64_t l = begin; l < end; ++l)
      for (int64_t t = l; t < tasks; t += lanes) task(t, memory[static_cast<size_t>(l)]);
  });
}

}  // namespace tenon::ops
