// SPDX-License-Identifier: Apache-2.0
// data with output[i, indices[i, j, k], k] = updates[i, j, k] for axis 1, and so on; later updates come after earlier ones.
#include "common/broadcast.hpp"
#include "common/scatter.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  expect_index_type(node, 1);
  expect_same_type(node, 0, 2);
  node.set_out_like(0, 0);
  const Tensor x = node.in(0), at = node.in(1), updates = node.in(2);
  if (x.has_rank()) normalize_axis(node.i("axis"), x.rank());
  if (x.has_rank()) expect_rank(at, x.rank(), "indices");
  if (at.has_rank()) expect_rank(updates, at.rank(), "updates");
  for (int32_t i = 0; at.has_rank() && updates.has_rank() && i < at.rank(); ++i) same_dim(at.dim(i), updates.dim(i), "shapes of indices and updates");
}
void run(const Node& node) {
  const Tensor x = node.in(0), at = node.in(1);
  const auto axis = static_cast<size_t>(normalize_axis(node.i("axis"), x.rank()));
  const Dims index = checked_indices(at, x.dim(static_cast<int32_t>(axis))), own = strides_of(x.dims());
  for (int32_t i = 0; i < at.rank(); ++i)
    if (i != static_cast<int32_t>(axis) && at.dim(i) > x.dim(i)) fail("indices is larger than data outside the axis", shape_text(x), shape_text(at));
  Dims strides = own;
  strides[axis] = 0;
  const StridedLoop<2> loop{at.dims().vec(), {strides_of(at.dims()), strides}};
  const RawInput updates(node.in(2));
  const RawOutput out(node, 0);
  start_from_data(node, out);
  visit_reduction(x.type(), node.s("reduction", "none"), [&](auto unit, auto combine) {
    using U = decltype(unit);
    if (loop.count() == 0) return;
    loop.for_each([&](const auto& p) {
      combine(out.data<U>()[p[1] + index[static_cast<size_t>(p[0])] * own[axis]], updates.data<U>()[p[0]]);
    });
  });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "ScatterElements", 1, 0, "(data: T(any), indices: index, updates: T) -> (output: T) {axis?: int, reduction?: string}", infer, run);
}  // namespace tenon::ops
