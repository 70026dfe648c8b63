// SPDX-License-Identifier: Apache-2.0
// output[i, j, k] = data[i, indices[i, j, k], k] for axis 1, and so on.
#include "common/broadcast.hpp"
#include "common/indices.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  expect_index_type(node, 1);
  const Tensor x = node.in(0), at = node.in(1);
  if (!at.has_rank()) return node.set_out_unranked(0, x.type());
  expect_rank_at_least(at, 1, "indices");
  expect_rank(x, at.rank(), "data");
  const int64_t axis = normalize_axis(node.i("axis"), at.rank());
  for (int32_t i = 0; x.has_rank() && i < at.rank(); ++i)
    if (i != axis && at.dim(i) >= 0 && x.dim(i) >= 0 && at.dim(i) > x.dim(i)) fail("indices is larger than data outside the axis", shape_text(x), shape_text(at));
  node.set_out(0, x.type(), at.dims());
}
void run(const Node& node) {
  const Tensor x = node.in(0), at = node.in(1);
  const auto axis = static_cast<size_t>(normalize_axis(node.i("axis"), x.rank()));
  const Dims index = checked_indices(at, x.dim(static_cast<int32_t>(axis)));
  const Dims own = strides_of(x.dims());
  Dims strides = own;
  strides[axis] = 0;
  StridedLoop<2> loop{at.dims().vec(), {strides_of(at.dims()), strides}};
  const RawInput in(x);
  const RawOutput out(node, 0);
  visit_unit(x.type(), [&](auto unit) {
    using U = decltype(unit);
    const U* from = in.data<U>();
    U* to = out.data<U>();
    loop.for_each([&](const auto& p) { to[p[0]] = from[p[1] + index[static_cast<size_t>(p[0])] * own[axis]]; });
  });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "GatherElements", 1, 0, "(data: T(any), indices: index) -> (output: T) {axis?: int}", infer, run);
}  // namespace tenon::ops
