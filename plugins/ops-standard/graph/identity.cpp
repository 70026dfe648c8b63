// SPDX-License-Identifier: Apache-2.0
// The same value; also of sequences and optionals.
#include "common/infer.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  node.set_out_like(0, 0);
  forward_shape_value(node);
}
void run(const Node& node) {
  if (is_tensor(node.in(0).type())) copy_elements(node);
  else node.alias_out(0, node.in(0).raw());
}
}  // namespace
TENON_OPERATOR("tenon", "Identity", 1, TENON_OF_VIEW, "(X: T(any)) -> (Y: T)", infer, run);
}  // namespace tenon::ops
