// SPDX-License-Identifier: Apache-2.0
// For each batch the first sequence_lens[batch] positions of the time axis turned round; the rest stays.
#include "common/broadcast.hpp"
#include "common/infer.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
struct Axes {
  int64_t batch, time;
};
Axes axes_of(const Node& node, int32_t rank) {
  const Axes a{normalize_axis(node.i("batch_axis", 1), rank, "batch_axis"), normalize_axis(node.i("time_axis", 0), rank, "time_axis")};
  if (a.batch == a.time) fail("batch_axis and time_axis are the same", "two axes", std::to_string(a.time));
  return a;
}
void infer(const Node& node) {
  node.set_out_like(0, 0);
  expect_rank(node.in(1), 1, "sequence_lens");
  if (!node.in(0).has_rank()) return;
  expect_rank_at_least(node.in(0), 2, "input");
  const Axes a = axes_of(node, node.in(0).rank());
  if (node.in(1).has_rank()) same_dim(node.in(0).dim(static_cast<int32_t>(a.batch)), node.in(1).dim(0), "the batch and the length of sequence_lens");
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const Axes a = axes_of(node, x.rank());
  const Dims lengths = node.in(1).ints(), strides = strides_of(x.dims());
  for (int64_t n : lengths)
    if (n < 0 || n > x.dim(static_cast<int32_t>(a.time))) fail("a sequence length is out of range", "at most the time axis", std::to_string(n));
  const RawInput in(x);
  const RawOutput out(node, 0);
  const int64_t time_stride = strides[static_cast<size_t>(a.time)], time = x.dim(static_cast<int32_t>(a.time));
  const int64_t batch_stride = strides[static_cast<size_t>(a.batch)], batch = x.dim(static_cast<int32_t>(a.batch));
  visit_unit(x.type(), [&](auto unit) {
    using U = decltype(unit);
    for (int64_t i = 0; i < x.count(); ++i) {
      const int64_t t = i / time_stride % time, n = lengths[static_cast<size_t>(i / batch_stride % batch)];
      out.data<U>()[i] = in.data<U>()[t < n ? i + (n - 1 - 2 * t) * time_stride : i];
    }
  });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "ReverseSequence", 1, 0, "(input: T(any), sequence_lens: index) -> (Y: T) {batch_axis?: int, time_axis?: int}", infer, run);
}  // namespace tenon::ops
