// SPDX-License-Identifier: Apache-2.0
// The input laid side by side, repeats[i] times along dimension i.
#include "common/infer.hpp"
#include "common/strided_copy.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  const Tensor x = node.in(0);
  const auto repeats = dim_values(node, 1);
  const auto n = known_length(node.in(1));
  if (x.has_rank() && n && *n != x.rank()) fail("repeats has a wrong length", std::to_string(x.rank()) + " numbers", std::to_string(*n));
  if (const auto literal = known_ints(node, 1); literal && std::any_of(literal->begin(), literal->end(), [](int64_t d) { return d < 0; }))
    fail("repeats holds a negative number", "0 and above", ints_text(*literal));
  if (!x.has_rank()) {
    if (n) return node.set_out(0, x.type(), Dims(static_cast<size_t>(*n), kUnknown));
    return node.set_out_unranked(0, x.type());
  }
  Dims dims;
  for (int32_t i = 0; i < x.rank(); ++i) dims.push_back(repeats ? dim_mul(node, x.dim(i), (*repeats)[static_cast<size_t>(i)]) : kUnknown);
  node.set_out(0, x.type(), dims);
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const Dims repeats = node.in(1).ints(), own = strides_of(x.dims());
  // Each dimension splits into (repeat, own).
  Dims extent, strides;
  for (size_t i = 0; i < repeats.size(); ++i) {
    extent.insert(extent.end(), {repeats[i], x.dim(static_cast<int32_t>(i))});
    strides.insert(strides.end(), {0, own[i]});
  }
  copy_view(node, extent, strides, 0);
}
}  // namespace
TENON_OPERATOR("tenon", "Tile", 1, 0, "(input: T(any), repeats: i64) -> (output: T)", infer, run);
}  // namespace tenon::ops
