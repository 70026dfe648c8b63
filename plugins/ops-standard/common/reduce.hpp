// SPDX-License-Identifier: Apache-2.0
// reduce.hpp - axes, inference and kernels of the Reduce* operators: (X, axes?) {keepdims = 1, noop_with_empty_axes = 0}.
#pragma once
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {

/// Which axes are reduced, given the contents of `axes` (nullptr: absent). Empty means all, or none with noop_with_empty_axes.
inline std::vector<bool> reduced_axes(const Node& node, const Dims* axes, int64_t rank) {
  std::vector<bool> reduced(static_cast<size_t>(rank), false);
  if (!axes || axes->empty()) {
    std::fill(reduced.begin(), reduced.end(), node.i("noop_with_empty_axes") == 0);
    return reduced;
  }
  for (int64_t a : normalize_axes(*axes, rank)) reduced[static_cast<size_t>(a)] = true;
  return reduced;
}
/// Sets output 0 to the reduced shape with element type `type`.
inline void infer_reduce_as(const Node& node, tenon_dtype type) {
  const Tensor x = node.in(0);
  if (!x.has_rank()) return node.set_out_unranked(0, type);
  const bool keep = node.i("keepdims", 1) != 0;
  const auto axes = known_ints(node, 1);
  if (node.has_in(1) && !axes) {
    const auto n = known_length(node.in(1));
    if (keep) return node.set_out(0, type, Dims(static_cast<size_t>(x.rank()), kUnknown));
    if (!n || *n == 0) return node.set_out_unranked(0, type);
    return node.set_out(0, type, Dims(static_cast<size_t>(std::max<int64_t>(0, x.rank() - *n)), kUnknown));
  }
  const auto reduced = reduced_axes(node, axes ? &*axes : nullptr, x.rank());
  Dims dims;
  for (int32_t i = 0; i < x.rank(); ++i) {
    if (!reduced[static_cast<size_t>(i)]) dims.push_back(x.dim(i));
    else if (keep) dims.push_back(1);
  }
  node.set_out(0, type, dims);
}
inline void infer_reduce(const Node& node) { infer_reduce_as(node, node.in(0).type()); }
/// As infer_reduce; also folds a known list of sizes that is reduced to one.
template <int64_t (*Fold)(const Node&, int64_t, int64_t)>
void infer_reduce_fold(const Node& node) {
  infer_reduce(node);
  const auto v = dim_values(node, 0);
  const bool none = !node.has_in(1) && node.i("noop_with_empty_axes") != 0;
  if (!v || v->empty() || node.in(0).rank() != 1 || none || (node.has_in(1) && !known_length(node.in(1)))) return;
  if (node.has_in(1) && *known_length(node.in(1)) == 0 && node.i("noop_with_empty_axes") != 0) return;
  int64_t r = v->front();
  for (size_t i = 1; i < v->size(); ++i) r = Fold(node, r, (*v)[i]);
  node.set_out_shape_value(0, {r});
}

/// The iteration of a reduction: kept dimensions outside, reduced ones inside, each collapsed. Strides are those of X.
struct ReducePlan {
  StridedLoop<1> kept, reduced;
  int64_t outputs, length;
};
inline ReducePlan plan_reduction(const Node& node) {
  const Tensor x = node.in(0);
  std::optional<Dims> axes;
  if (node.has_in(1)) axes = node.in(1).ints();
  const auto is_reduced = reduced_axes(node, axes ? &*axes : nullptr, x.rank());
  const Dims strides = strides_of(x.dims());
  ReducePlan p;
  for (int32_t i = 0; i < x.rank(); ++i) {
    auto& part = is_reduced[static_cast<size_t>(i)] ? p.reduced : p.kept;
    part.extent.push_back(x.dim(i));
    part.stride[0].push_back(strides[static_cast<size_t>(i)]);
  }
  p.outputs = p.kept.count();
  p.length = p.reduced.count();
  p.kept.collapse();
  p.reduced.collapse();
  return p;
}

/// Outputs whose reduced dimensions lie outside (a column of X each) are accumulated side by side, this many at a time.
inline constexpr int64_t kColumns = 256;

// A reduction Op has template <class C> using Acc, and start<C>() -> Acc, add(Acc, C) -> Acc, merge(Acc, Acc) -> Acc and
// finish<C>(Acc, length) -> Acc, with C the type that elements are computed in.

/// n outputs that are consecutive in X.
template <class Op, class T>
void reduce_columns(const Op& op, const ReducePlan& p, const T* x, T* y, int64_t n) {
  using C = compute_t<T>;
  using Acc = typename Op::template Acc<C>;
  std::array<Acc, kColumns> acc;
  for (int64_t c = 0; c < n; c += kColumns) {
    const int64_t m = std::min(kColumns, n - c);
    std::fill_n(acc.begin(), m, op.template start<C>());
    p.reduced.for_each([&](const auto& at) {
      const T* from = x + c + at[0];
      for (int64_t i = 0; i < m; ++i) acc[static_cast<size_t>(i)] = op.add(acc[static_cast<size_t>(i)], C(from[i]));
    });
    for (int64_t i = 0; i < m; ++i) y[c + i] = T(op.template finish<C>(acc[static_cast<size_t>(i)], p.length));
  }
}
template <class Op, class T>
T reduce_one(const Op& op, const ReducePlan& p, const T* x) {
  using C = compute_t<T>;
  using Acc = typename Op::template Acc<C>;
  // Four partial results: the chain of dependent additions would bound the speed otherwise.
  std::array<Acc, 4> acc;
  acc.fill(op.template start<C>());
  const int64_t n = p.reduced.inner(), stride = p.reduced.inner_stride(0);
  p.reduced.for_rows([&](const auto& at) {
    const T* from = x + at[0];
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
      for (int64_t k = 0; k < 4; ++k) acc[static_cast<size_t>(k)] = op.add(acc[static_cast<size_t>(k)], C(from[(i + k) * stride]));
    for (; i < n; ++i) acc[0] = op.add(acc[0], C(from[i * stride]));
  });
  const Acc all = op.merge(op.merge(acc[0], acc[1]), op.merge(acc[2], acc[3]));
  return T(op.template finish<C>(all, p.length));
}
template <class Op, class T>
void reduce_kernel(const Node& node) {
  const Op op{};
  const ReducePlan p = plan_reduction(node);
  const T* x = node.in(0).data<T>();
  T* y = node.out(0).mutable_data<T>();
  if (p.outputs == 0) return;
  const bool columns = p.kept.inner_stride(0) == 1 && p.kept.inner() > 1;
  StridedLoop<2> loop{p.kept.extent, {p.kept.stride[0], strides_of(p.kept.extent)}};
  if (!columns) {  // every output is a row of its own, so that they spread over the threads
    loop.extent.push_back(1);
    for (auto& s : loop.stride) s.push_back(0);
  }
  const int64_t inner = loop.inner(), rows = loop.rows();
  auto body = [&](int64_t b, int64_t e) {
    loop.for_rows(b, e, [&](const auto& at) {
      if (columns) reduce_columns(op, p, x + at[0], y + at[1], inner);
      else y[at[1]] = reduce_one(op, p, x + at[0]);
    });
  };
  const int64_t work = std::max<int64_t>(1, inner * std::max<int64_t>(1, p.length));
  const int64_t grain = std::max<int64_t>(1, kGrain / work);
  if (rows <= grain) body(0, rows);
  else node.parallel_for(rows, grain, body);
}
template <class Op, class List>
void run_reduce(const Node& node) {
  visit<List>(node.in(0).type(), [&]<class T>(Tag<T>) { reduce_kernel<Op, T>(node); });
}

}  // namespace tenon::ops
