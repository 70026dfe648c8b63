// SPDX-License-Identifier: Apache-2.0
// Inserts dimensions of 1 so that they stand at `axes` of the result.
#include "common/infer.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
Dims inserted(Tensor x, const Dims& axes) {
  const int64_t rank = x.rank() + static_cast<int64_t>(axes.size());
  const Dims at = normalize_axes(axes, rank);
  Dims dims;
  int32_t next = 0;
  for (int64_t i = 0; i < rank; ++i) dims.push_back(std::find(at.begin(), at.end(), i) != at.end() ? 1 : x.dim(next++));
  return dims;
}
void infer(const Node& node) {
  const Tensor x = node.in(0);
  const auto axes = known_ints(node, 1);
  const auto n = known_length(node.in(1));
  if (x.has_rank() && axes) node.set_out(0, x.type(), inserted(x, *axes));
  else if (x.has_rank() && n) node.set_out(0, x.type(), Dims(static_cast<size_t>(x.rank() + *n), kUnknown));
  else node.set_out_unranked(0, x.type());
  forward_shape_value(node);
}
void run(const Node& node) { copy_elements(node); }
}  // namespace
TENON_OPERATOR("tenon", "Unsqueeze", 1, TENON_OF_VIEW, "(data: T(any), axes: i64) -> (expanded: T)", infer, run);
}  // namespace tenon::ops
