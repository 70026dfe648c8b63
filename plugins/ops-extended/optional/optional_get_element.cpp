// SPDX-License-Identifier: Apache-2.0
// OptionalGetElement: what is in an optional; an empty one is an error. A value that is no optional passes.
#include "optional/optional.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) { set_out_as(node, 0, 0, item_of_optional(node.in(0).type())); }

void run(const Node& node) {
  if (!is_present(node.in(0))) fail("the optional is empty", "an optional with an element", dtype_name(node.in(0).type()));
  alias_as(node, 0, node.in(0).raw(), item_of_optional(node.in(0).type()));
}

}  // namespace

TENON_OPERATOR("tenon", "OptionalGetElement", 1, 0, "(input: any) -> (output: any)", infer, run);
}  // namespace tenon::ops
