// SPDX-License-Identifier: Apache-2.0
// Dimension i of the result is dimension perm[i] of the input; without perm they are reversed.
#include "common/infer.hpp"
#include "common/strided_copy.hpp"

namespace tenon::ops {
namespace {
Dims permutation(const Node& node, int32_t rank) {
  Dims perm = node.ints("perm");
  if (!node.has("perm"))
    for (int64_t i = rank; i-- > 0;) perm.push_back(i);
  if (perm.size() != static_cast<size_t>(rank)) fail("perm has a wrong length", std::to_string(rank) + " axes", ints_text(perm));
  return normalize_axes(perm, rank, "perm");
}
void infer(const Node& node) {
  const Tensor x = node.in(0);
  if (!x.has_rank() && !node.has("perm")) return node.set_out_unranked(0, x.type());
  if (!x.has_rank()) return node.set_out(0, x.type(), Dims(node.ints("perm").size(), kUnknown));
  Dims dims;
  for (int64_t p : permutation(node, x.rank())) dims.push_back(x.dim(static_cast<int32_t>(p)));
  node.set_out(0, x.type(), dims);
  if (x.rank() <= 1) forward_shape_value(node);
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const Dims own = strides_of(x.dims());
  Dims strides;
  for (int64_t p : permutation(node, x.rank())) strides.push_back(own[static_cast<size_t>(p)]);
  copy_view(node, node.out(0).dims().vec(), strides, 0);
}
}  // namespace
TENON_OPERATOR("tenon", "Transpose", 1, 0, "(data: T(any)) -> (transposed: T) {perm?: ints}", infer, run);
}  // namespace tenon::ops
