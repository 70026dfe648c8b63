// SPDX-License-Identifier: Apache-2.0
// Slices of data along an axis, picked by indices of any rank, which takes the axis' place in the result.
#include "common/broadcast.hpp"
#include "common/indices.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
void fold(const Node& node) {
  const auto v = dim_values(node, 0);
  const auto at = known_ints(node, 1);
  if (!v || !at || node.in(0).rank() != 1 || node.in(1).rank() > 1 || at->size() > 64) return;
  Dims r;
  for (int64_t i : *at) r.push_back((*v)[static_cast<size_t>(checked_index(i, static_cast<int64_t>(v->size())))]);
  node.set_out_shape_value(0, r);
}
void infer(const Node& node) {
  expect_index_type(node, 1);
  const Tensor x = node.in(0), at = node.in(1);
  if (!x.has_rank() || !at.has_rank()) return node.set_out_unranked(0, x.type());
  expect_rank_at_least(x, 1, "data");
  const int64_t axis = normalize_axis(node.i("axis"), x.rank());
  Dims dims(x.dims().begin(), x.dims().begin() + axis);
  dims.insert(dims.end(), at.dims().begin(), at.dims().end());
  dims.insert(dims.end(), x.dims().begin() + axis + 1, x.dims().end());
  node.set_out(0, x.type(), dims);
  fold(node);
}
template <class U>
void gather(const Node& node, const U* from, U* to, const Dims& at, int64_t dim, int64_t inner) {
  const auto n = static_cast<int64_t>(at.size());
  const int64_t rows = inner && n ? node.out(0).count() / inner : 0;
  auto body = [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r) {
      const U* row = from + (r / n * dim + at[static_cast<size_t>(r % n)]) * inner;
      if (inner == 1) to[r] = *row;
      else std::memcpy(static_cast<void*>(to + r * inner), row, static_cast<size_t>(inner) * sizeof(U));
    }
  };
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, inner));
  if (rows <= grain) body(0, rows);
  else node.parallel_for(rows, grain, body);
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const auto axis = static_cast<int32_t>(normalize_axis(node.i("axis"), x.rank()));
  const int64_t dim = x.dim(axis), inner = count_of(x.dims().data() + axis + 1, x.rank() - axis - 1);
  const Dims at = checked_indices(node.in(1), dim);
  const RawInput in(x);
  const RawOutput out(node, 0);
  visit_unit(x.type(), [&](auto unit) {
    using U = decltype(unit);
    gather<U>(node, in.data<U>(), out.data<U>(), at, dim, inner);
  });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "Gather", 1, 0, "(data: T(any), indices: index) -> (output: T) {axis?: int}", infer, run);
}  // namespace tenon::ops
