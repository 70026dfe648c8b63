// SPDX-License-Identifier: Apache-2.0
// broadcast.hpp - iterating several dense tensors together, each with its own strides, with neighbouring dimensions merged.
#pragma once
#include <array>

#include <tenon/node.hpp>

namespace tenon::ops {

/// Row-major strides in elements.
inline Dims strides_of(Span<int64_t> dims) {
  Dims s(dims.size());
  int64_t step = 1;
  for (size_t i = dims.size(); i-- > 0; step *= dims[i]) s[i] = step;
  return s;
}
/// Strides of a dense operand of shape `dims` seen as `out` by numpy's rule: 0 along a dimension that repeats.
inline Dims broadcast_strides(Span<int64_t> dims, Span<int64_t> out) {
  const Dims own = strides_of(dims);
  Dims s(out.size(), 0);
  for (size_t i = 0, shift = out.size() - dims.size(); i < dims.size(); ++i)
    if (dims[i] != 1) s[i + shift] = own[i];
  return s;
}

/// N operands walked over the same extents. Strides count elements.
template <size_t N>
struct StridedLoop {
  Dims extent;
  std::array<Dims, N> stride;

  int64_t count() const { return count_of(extent.data(), static_cast<int32_t>(extent.size())); }
  /// Merges dimensions that all operands walk as one and drops those of extent 1. At least one dimension is left.
  void collapse() {
    Dims e;
    std::array<Dims, N> s;
    for (size_t d = 0; d < extent.size(); ++d) {
      if (extent[d] == 1) continue;
      bool merges = !e.empty();
      for (size_t k = 0; merges && k < N; ++k) merges = s[k].back() == stride[k][d] * extent[d];
      if (merges) e.back() *= extent[d];
      else e.push_back(extent[d]);
      for (size_t k = 0; k < N; ++k) {
        if (merges) s[k].back() = stride[k][d];
        else s[k].push_back(stride[k][d]);
      }
    }
    if (e.empty()) {
      e.push_back(1);
      for (auto& x : s) x.push_back(0);
    }
    extent = std::move(e);
    stride = std::move(s);
  }
  int64_t inner() const { return extent.back(); }
  int64_t inner_stride(size_t k) const { return stride[k].back(); }
  /// Number of rows: everything but the last dimension.
  int64_t rows() const { return count_of(extent.data(), static_cast<int32_t>(extent.size()) - 1); }
  /// Calls f(offsets) with the element offset of each operand, for rows [begin, end).
  template <class F>
  void for_rows(int64_t begin, int64_t end, F&& f) const {
    if (inner() == 0 || begin >= end) return;
    const size_t outer = extent.size() - 1;
    Dims index(outer);
    std::array<int64_t, N> at{};
    int64_t rest = begin;
    for (size_t d = outer; d-- > 0; rest /= extent[d]) {
      index[d] = rest % extent[d];
      for (size_t k = 0; k < N; ++k) at[k] += index[d] * stride[k][d];
    }
    for (int64_t row = begin; row < end; ++row) {
      f(at);
      for (size_t d = outer; d-- > 0;) {
        for (size_t k = 0; k < N; ++k) at[k] += stride[k][d];
        if (++index[d] < extent[d]) break;
        for (size_t k = 0; k < N; ++k) at[k] -= stride[k][d] * extent[d];
        index[d] = 0;
      }
    }
  }
  template <class F>
  void for_rows(F&& f) const {
    for_rows(0, rows(), f);
  }
  /// Calls f(offsets) for every element.
  template <class F>
  void for_each(F&& f) const {
    for_rows([&](std::array<int64_t, N> at) {
      for (int64_t i = 0; i < inner(); ++i) {
        f(at);
        for (size_t k = 0; k < N; ++k) at[k] += inner_stride(k);
      }
    });
  }
};

/// The loop of an elementwise operator: operand 0 is the dense output, the others broadcast to it. Collapsed.
template <size_t N>
StridedLoop<N> broadcast_loop(Span<int64_t> out, const std::array<Span<int64_t>, N - 1>& inputs) {
  StridedLoop<N> loop;
  loop.extent = out.vec();
  loop.stride[0] = strides_of(out);
  for (size_t k = 1; k < N; ++k) loop.stride[k] = broadcast_strides(inputs[k - 1], out);
  loop.collapse();
  return loop;
}

/// Elements for one task of parallel_for: below this, threads cost more than they give.
inline constexpr int64_t kGrain = 16384;

/// Rows of a loop on the executor's threads. f(offsets) must not throw.
template <size_t N, class F>
void parallel_rows(const Node& node, const StridedLoop<N>& loop, F&& f) {
  const int64_t rows = loop.rows(), inner = loop.inner();
  if (rows == 0 || inner == 0) return;
  const int64_t grain = std::max<int64_t>(1, kGrain / inner);
  if (rows <= grain) loop.for_rows(f);
  else node.parallel_for(rows, grain, [&](int64_t b, int64_t e) { loop.for_rows(b, e, f); });
}

}  // namespace tenon::ops
