// SPDX-License-Identifier: Apache-2.0
// strided_copy.hpp - a dense output filled from any strided view of an input: Transpose, Slice, Expand, Tile, Reverse, ...
#pragma once
#include "common/broadcast.hpp"
#include "common/raw.hpp"

namespace tenon::ops {

/// Side of the square that a transposing copy moves at once: two such blocks of 8-byte units fit into L1.
inline constexpr int64_t kTile = 32;

/// rows x columns units; to is dense along columns, from along rows.
template <class U>
void copy_transposed(U* to, int64_t to_stride, const U* from, int64_t from_stride, int64_t rows, int64_t columns) {
  for (int64_t r0 = 0; r0 < rows; r0 += kTile)
    for (int64_t c0 = 0; c0 < columns; c0 += kTile)
      for (int64_t r = r0; r < std::min(rows, r0 + kTile); ++r)
        for (int64_t c = c0; c < std::min(columns, c0 + kTile); ++c) to[r * to_stride + c] = from[c * from_stride + r];
}

/// Operand 0 of the loop is the output, 1 the input; strides of the input may be 0 or negative. The loop is collapsed, or not.
template <class U>
void strided_copy(const Node& node, U* to, const U* from, StridedLoop<2> loop) {
  loop.collapse();
  const size_t last = loop.extent.size() - 1;
  const int64_t n = loop.inner(), stride = loop.inner_stride(1);
  size_t dense = last;
  for (size_t d = 0; d < last; ++d)
    if (loop.stride[1][d] == 1 && loop.extent[d] > 1) dense = d;
  if (stride == 1 || stride == 0 || dense == last || loop.inner_stride(0) != 1) {
    const int64_t out_stride = loop.inner_stride(0);
    return parallel_rows(node, loop, [=](const auto& at) {
      U* row = to + at[0];
      if (out_stride == 1 || n == 1) copy_strided(row, from + at[1], stride, n);
      else
        for (int64_t i = 0; i < n; ++i) row[i * out_stride] = from[at[1] + i * stride];
    });
  }
  const int64_t rows = loop.extent[dense], to_stride = loop.stride[0][dense];
  StridedLoop<2> blocks = loop;
  blocks.extent[dense] = 1;
  blocks.extent[last] = 1;
  const int64_t count = blocks.count();
  if (count == 1)  // one big matrix: tasks are bands of rows
    return node.parallel_for(rows, std::max<int64_t>(kTile, kGrain / n),
                             [=](int64_t b, int64_t e) { copy_transposed(to + b * to_stride, to_stride, from + b, stride, e - b, n); });
  node.parallel_for(count, std::max<int64_t>(1, kGrain / (rows * n)), [&](int64_t b, int64_t e) {
    blocks.for_rows(b, e, [&](const auto& at) { copy_transposed(to + at[0], to_stride, from + at[1], stride, rows, n); });
  });
}

/// Output 0 filled from input 0: `strides` and `offset` (in elements of the input) for each dimension of `extent`, which lists
/// the output's dimensions, possibly split further.
inline void copy_view(const Node& node, const Dims& extent, const Dims& strides, int64_t offset) {
  const RawInput in(node.in(0));
  const RawOutput out(node, 0);
  StridedLoop<2> loop{extent, {strides_of(extent), strides}};
  if (loop.count() > 0)
    visit_unit(node.out(0).type(), [&](auto unit) {
      using U = decltype(unit);
      strided_copy<U>(node, out.data<U>(), in.data<U>() + offset, loop);
    });
  out.commit();
}

}  // namespace tenon::ops
