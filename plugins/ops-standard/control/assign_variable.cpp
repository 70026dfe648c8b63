// SPDX-License-Identifier: Apache-2.0
// AssignVariable: the variable named `variable` holds a copy of `value` from now on. `after` orders it behind whatever must come
// first, such as the ReadVariable of the former contents; its value is not looked at.
#include "common/infer.hpp"

namespace tenon::ops {
namespace {

void infer(const Node&) {}

void run(const Node& node) { node.set_variable(node.s("variable"), node.in(0).raw()); }

}  // namespace

TENON_OPERATOR("tenon", "AssignVariable", 1, TENON_OF_SIDE_EFFECTS, "(value: T(any), after?: any) -> () {variable: string}", infer, run);
}  // namespace tenon::ops
