// SPDX-License-Identifier: Apache-2.0
// ReadVariable: contents of the variable named `variable`, or `initial` as long as nothing was assigned to it in this program.
#include "common/infer.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) { node.set_out_like(0); }

void run(const Node& node) {
  const Tensor current = node.variable(node.s("variable"));
  node.alias_out(0, current ? current.raw() : node.in(0).raw());
}

}  // namespace

TENON_OPERATOR("tenon", "ReadVariable", 1, TENON_OF_NONDETERMINISTIC, "(initial: T(any)) -> (value: T) {variable: string}", infer, run);
}  // namespace tenon::ops
