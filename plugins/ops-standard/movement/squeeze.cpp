// SPDX-License-Identifier: Apache-2.0
// Removes the dimensions `axes`, which must be 1; without axes every dimension that is 1.
#include "common/infer.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
void infer_axes(const Node& node, const Dims& axes) {
  const Tensor x = node.in(0);
  const Dims removed = normalize_axes(axes, x.rank());
  Dims dims;
  for (int32_t i = 0; i < x.rank(); ++i) {
    if (std::find(removed.begin(), removed.end(), i) == removed.end()) dims.push_back(x.dim(i));
    else if (x.dim(i) >= 0 && x.dim(i) != 1) fail("a squeezed dimension is not 1", "1 at axis " + std::to_string(i), shape_text(x));
  }
  node.set_out(0, x.type(), dims);
}
void infer_all(const Node& node) {
  const Tensor x = node.in(0);
  Dims dims;
  for (int64_t d : x.dims())
    if (d != 1) dims.push_back(d);
  // A dimension that is not known may turn out to be 1: the rank is open.
  if (x.is_static()) node.set_out(0, x.type(), dims);
  else node.set_out_unranked(0, x.type());
}
void infer(const Node& node) {
  const Tensor x = node.in(0);
  const auto axes = known_ints(node, 1);
  const auto n = known_length(node.in(1));
  if (!x.has_rank()) node.set_out_unranked(0, x.type());
  else if (axes) infer_axes(node, *axes);
  else if (!node.has_in(1)) infer_all(node);
  else if (n && *n <= x.rank()) node.set_out(0, x.type(), Dims(static_cast<size_t>(x.rank() - *n), kUnknown));
  else node.set_out_unranked(0, x.type());
  forward_shape_value(node);
}
void run(const Node& node) { copy_elements(node); }
}  // namespace
TENON_OPERATOR("tenon", "Squeeze", 1, TENON_OF_VIEW, "(data: T(any), axes?: i64) -> (squeezed: T)", infer, run);
}  // namespace tenon::ops
