// SPDX-License-Identifier: Apache-2.0
// The input repeated to the shape that it and `shape` broadcast to.
#include "common/infer.hpp"
#include "common/strided_copy.hpp"

namespace tenon::ops {
namespace {
void fold(const Node& node, const Dims& dims) {
  const auto v = dim_values(node, 0);
  if (!v || dims.size() > 1) return;
  const int64_t n = dims.empty() ? 1 : dims[0];
  if (n < 0 || n > 64) return;
  node.set_out_shape_value(0, v->size() == 1 ? Dims(static_cast<size_t>(n), v->front()) : *v);
}
void infer(const Node& node) {
  const Tensor x = node.in(0);
  const auto shape = dim_values(node, 1);
  const auto rank = known_length(node.in(1));
  if (const auto literal = known_ints(node, 1); literal && std::any_of(literal->begin(), literal->end(), [](int64_t d) { return d < 0; }))
    fail("the shape holds a negative number", "sizes of 0 and above", ints_text(*literal));
  if (x.has_rank() && shape) {
    const Dims dims = broadcast_dims(node, x.dims(), *shape);
    node.set_out(0, x.type(), dims);
    fold(node, dims);
  } else if (x.has_rank() && rank) {
    node.set_out(0, x.type(), Dims(static_cast<size_t>(std::max<int64_t>(*rank, x.rank())), kUnknown));
  } else {
    node.set_out_unranked(0, x.type());
  }
}
void run(const Node& node) {
  const Span<int64_t> out = node.out(0).dims();
  copy_view(node, out.vec(), broadcast_strides(node.in(0).dims(), out), 0);
}
}  // namespace
TENON_OPERATOR("tenon", "Expand", 1, 0, "(input: T(any), shape: i64) -> (output: T)", infer, run);
}  // namespace tenon::ops
