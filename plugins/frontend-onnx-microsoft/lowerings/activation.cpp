// SPDX-License-Identifier: Apache-2.0
// activation.cpp - forms of Gelu, and biases.
#include "emit.hpp"

namespace tenon::contrib {
namespace {

tenon_value gelu(Lower& l, tenon_value x, const char* approximate) { return l.emit("Gelu", {x}, AttrList{}.set("approximate", approximate)); }

void lower_fast_gelu(Lower& l) {
  known(l, {});
  arity(l, 1, 2);
  l.done({gelu(l, plus_input(l, need(l, 0), 1), "tanh")});
}
TENON_LOWERING("com.microsoft", "FastGelu", 1, lower_fast_gelu);

void lower_gelu(Lower& l) {
  known(l, {});
  arity(l, 1, 2);
  l.done({gelu(l, plus_input(l, need(l, 0), 1), "none")});
}
TENON_LOWERING("com.microsoft", "Gelu", 1, lower_gelu);
TENON_LOWERING("com.microsoft", "BiasGelu", 1, lower_gelu);

void lower_quick_gelu(Lower& l) {
  known(l, {"alpha"});
  arity(l, 1, 1);
  l.to("Swish", {need(l, 0)}, AttrList{}.set("alpha", l.f("alpha", 1.702f)));
}
TENON_LOWERING("com.microsoft", "QuickGelu", 1, lower_quick_gelu);

/// The first half times Gelu of the second.
void lower_bias_split_gelu(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  const auto half = l.emit_n("Split", {l.emit("Add", {need(l, 0), need(l, 1)})}, AttrList{}.set("axis", -1).set("num_outputs", 2), 2);
  l.to("Mul", {half[0], gelu(l, half[1], "none")});
}
TENON_LOWERING("com.microsoft", "BiasSplitGelu", 1, lower_bias_split_gelu);

void lower_bias_add(Lower& l) {
  known(l, {});
  arity(l, 3, 3);
  l.to("Add", {l.emit("Add", {need(l, 0), need(l, 1)}), need(l, 2)});
}
TENON_LOWERING("com.microsoft", "BiasAdd", 1, lower_bias_add);

}  // namespace
}  // namespace tenon::contrib
