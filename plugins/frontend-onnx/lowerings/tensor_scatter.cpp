// SPDX-License-Identifier: Apache-2.0
// tensor_scatter.cpp - TensorScatter, the update of a key-value cache.
#include "common.hpp"

namespace tenon::onnx {
namespace {

// Writes `update` into a cache along an axis, from a position of its own for each sample.
void lower_tensor_scatter(Lower& l) {
  known(l, {"axis", "mode"});
  arity(l, 2, 3);
  tenon_value cache = need(l, 0), update = need(l, 1), at = 0;
  int32_t rank = rank_of(l, cache, "the axis");
  int64_t axis = axis_of(l.i("axis", -2), rank);
  std::string mode = l.s("mode", "linear");
  if (axis == 0 || (mode != "linear" && mode != "circular")) throw invalid("attribute 'axis' or 'mode' has a wrong value");
  AttrList scalar;
  scalar.add("keepdims", 0);
  tenon_value steps = l.emit("Range", {l.scalar<int64_t>(0), l.emit("ReduceProd", {dim(l, update, axis)}, scalar), l.scalar<int64_t>(1)});
  if (axis + 1 < rank) steps = l.emit("Unsqueeze", {steps, iota(l, 1, rank - axis)});
  if (l.has_in(2)) at = l.emit("Unsqueeze", {cast(l, l.in(2), dt::i64), iota(l, 1, rank)});
  tenon_value index = at ? l.emit("Add", {at, steps}) : steps;
  if (mode == "circular") index = l.emit("Mod", {index, dim(l, cache, axis)});
  l.to("ScatterElements", {cache, l.emit("Expand", {index, shape(l, update)}), update}, AttrList{}.set("axis", axis));
}
TENON_LOWERING("onnx", "TensorScatter", 24, lower_tensor_scatter);

}  // namespace
}  // namespace tenon::onnx
