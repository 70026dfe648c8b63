// SPDX-License-Identifier: Apache-2.0
// data with the slices that the index tuples point to replaced by (or combined with) updates.
#include "common/nd_index.hpp"
#include "common/scatter.hpp"

namespace tenon::ops {
namespace {
/// updates: indices without its last dimension, then the dimensions of a slice.
void check_updates(Tensor x, Tensor at, Tensor updates) {
  if (!x.has_rank() || !at.has_rank() || at.dim(-1) < 0) return;
  if (at.dim(-1) > x.rank()) fail("an index tuple is longer than data's rank", "at most " + std::to_string(x.rank()), std::to_string(at.dim(-1)));
  Dims dims(at.dims().begin(), at.dims().end() - 1);
  dims.insert(dims.end(), x.dims().begin() + at.dim(-1), x.dims().end());
  expect_rank(updates, static_cast<int32_t>(dims.size()), "updates");
  for (int32_t i = 0; updates.has_rank() && i < updates.rank(); ++i) same_dim(dims[static_cast<size_t>(i)], updates.dim(i), "dimensions of updates and indices or data");
}
void infer(const Node& node) {
  expect_index_type(node, 1);
  expect_same_type(node, 0, 2);
  expect_rank_at_least(node.in(1), 1, "indices");
  check_updates(node.in(0), node.in(1), node.in(2));
  node.set_out_like(0, 0);
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const int64_t size = slice_size(x, node.in(1));
  const Dims at = tuple_offsets(x, node.in(1));
  const RawInput updates(node.in(2));
  const RawOutput out(node, 0);
  start_from_data(node, out);
  visit_reduction(x.type(), node.s("reduction", "none"), [&](auto unit, auto combine) {
    using U = decltype(unit);
    const U* from = updates.data<U>();
    for (size_t t = 0; t < at.size(); ++t, from += size)
      for (int64_t i = 0; i < size; ++i) combine(out.data<U>()[at[t] + i], from[i]);
  });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "ScatterND", 1, 0, "(data: T(any), indices: index, updates: T) -> (output: T) {reduction?: string}", infer, run);
}  // namespace tenon::ops
