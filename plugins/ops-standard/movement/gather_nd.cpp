// SPDX-License-Identifier: Apache-2.0
// Slices of data picked by index tuples, which are the last dimension of indices.
#include "common/nd_index.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  expect_index_type(node, 1);
  const Tensor x = node.in(0), at = node.in(1);
  if (!x.has_rank() || !at.has_rank()) return node.set_out_unranked(0, x.type());
  expect_rank_at_least(x, 1, "data");
  expect_rank_at_least(at, 1, "indices");
  const int64_t batch = node.i("batch_dims"), length = at.dim(-1);
  if (batch < 0 || batch >= std::min(x.rank(), at.rank())) fail("batch_dims is out of range", "below both ranks", std::to_string(batch));
  if (length < 0) return node.set_out_unranked(0, x.type());
  if (batch + length > x.rank()) fail("an index tuple is longer than data's rank", "at most " + std::to_string(x.rank() - batch), std::to_string(length));
  Dims dims(at.dims().begin(), at.dims().end() - 1);
  for (int64_t i = 0; i < batch; ++i) dims[static_cast<size_t>(i)] = same_dim(x.dim(static_cast<int32_t>(i)), at.dim(static_cast<int32_t>(i)), "batch dimensions");
  dims.insert(dims.end(), x.dims().begin() + batch + length, x.dims().end());
  node.set_out(0, x.type(), dims);
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const int64_t batch = node.i("batch_dims"), size = slice_size(x, node.in(1), batch);
  const Dims at = tuple_offsets(x, node.in(1), batch);
  const RawInput in(x);
  const RawOutput out(node, 0);
  visit_unit(x.type(), [&](auto unit) {
    using U = decltype(unit);
    U* to = out.data<U>();
    for (size_t t = 0; t < at.size() && size; ++t, to += size) copy_strided(to, in.data<U>() + at[t], 1, size);
  });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "GatherND", 1, 0, "(data: T(any), indices: index) -> (output: T) {batch_dims?: int}", infer, run);
}  // namespace tenon::ops
