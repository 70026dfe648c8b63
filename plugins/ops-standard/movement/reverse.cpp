// SPDX-License-Identifier: Apache-2.0
// The order of the elements turned round along each of axes.
#include "common/infer.hpp"
#include "common/strided_copy.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  node.set_out_like(0, 0);
  const auto axes = known_ints(node, 1);
  if (!axes || !node.in(0).has_rank()) return;
  normalize_axes(*axes, node.in(0).rank());
  const auto v = dim_values(node, 0);
  if (v && node.in(0).rank() == 1) node.set_out_shape_value(0, axes->empty() ? *v : Dims(v->rbegin(), v->rend()));
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  Dims strides = strides_of(x.dims());
  int64_t offset = 0;
  for (int64_t a : normalize_axes(node.in(1).ints(), x.rank())) {
    int64_t& s = strides[static_cast<size_t>(a)];
    offset += s * (x.dim(static_cast<int32_t>(a)) - 1);
    s = -s;
  }
  copy_view(node, x.dims().vec(), strides, offset);
}
}  // namespace
TENON_OPERATOR("tenon", "Reverse", 1, 0, "(X: T(any), axes: index) -> (Y: T)", infer, run);
}  // namespace tenon::ops
