// SPDX-License-Identifier: Apache-2.0
// shape.cpp - operators that change or read shapes.
#include "lowerings/common/common.hpp"

#include <algorithm>

namespace tenon::tflite {
namespace {

// The new shape is input 1, or an option; a single 0 stood for a scalar once. 0 is a size like any other.
void lower_reshape(Lower& l) {
  known(l, {"new_shape"});
  arity(l, 1, 2);
  tenon_value x = need(l, 0), to_shape = 0;
  if (l.has_in(1)) {
    to_shape = index_list(l, l.in(1));
  } else {
    auto s = attr_ints(l, "new_shape");
    to_shape = l.ints(s == std::vector<int64_t>{0} ? std::vector<int64_t>{} : s);
  }
  to(l, "Reshape", {x, to_shape}, AttrList{}.set("allowzero", 1));
}
TFLITE_LOWERING("RESHAPE", lower_reshape);

void lower_squeeze(Lower& l) {
  known(l, {"squeeze_dims"});
  arity(l, 1, 1);
  auto axes = attr_ints(l, "squeeze_dims");
  if (axes.empty()) return to(l, "Squeeze", {need(l, 0)});
  to(l, "Squeeze", {need(l, 0), l.ints(axes)});
}
TFLITE_LOWERING("SQUEEZE", lower_squeeze);

void lower_expand_dims(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  to(l, "Unsqueeze", {need(l, 0), index_list(l, need(l, 1))});
}
TFLITE_LOWERING("EXPAND_DIMS", lower_expand_dims);

void lower_transpose(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  auto perm = need_ints(l, 1, "the order of the axes");
  for (int64_t& p : perm) p = axis_of(p, static_cast<int32_t>(perm.size()));
  to(l, "Transpose", {need(l, 0)}, AttrList{}.set("perm", perm));
}
TFLITE_LOWERING("TRANSPOSE", lower_transpose);

void lower_shape(Lower& l) {
  known(l, {"out_type"});
  arity(l, 1, 1);
  tenon_dtype out = l.info(l.out(0)).type();
  if (out == dt::none) out = dtype_named(l.s("out_type", "INT32"));
  tenon_value s = shape(l, need(l, 0));
  finish(l, {out == dt::i64 ? s : cast(l, s, out)});
}
TFLITE_LOWERING("SHAPE", lower_shape);

void lower_rank(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  int32_t rank = l.info(need(l, 0)).rank();
  if (rank >= 0) return finish(l, {l.scalar<int32_t>(rank)});
  tenon_value r = l.emit("Reshape", {shape(l, shape(l, l.in(0))), l.ints({})});
  finish(l, {cast(l, r, dt::i32)});
}
TFLITE_LOWERING("RANK", lower_rank);

void lower_broadcast_to(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  to(l, "Expand", {need(l, 0), index_list(l, need(l, 1))});
}
TFLITE_LOWERING("BROADCAST_TO", lower_broadcast_to);

void lower_tile(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  to(l, "Tile", {need(l, 0), index_list(l, need(l, 1))});
}
TFLITE_LOWERING("TILE", lower_tile);

void lower_fill(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  to(l, "Expand", {need(l, 1), index_list(l, need(l, 0))});
}
TFLITE_LOWERING("FILL", lower_fill);

void lower_range(Lower& l) { same(l, "Range", 3, 3); }
TFLITE_LOWERING("RANGE", lower_range);

// The shape that two shapes broadcast to.
void lower_broadcast_args(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  tenon_value a = need(l, 0), b = need(l, 1);
  auto ia = l.info(a), ib = l.info(b);
  if (ia.rank() != 1 || ib.rank() != 1 || ia.dim(0) < 0 || ib.dim(0) < 0) throw unsupported("the ranks of the two shapes are not known");
  tenon_dtype t = type_of(l, a);
  auto fill = [&](tenon_value v, int64_t missing) {
    if (missing <= 0) return v;
    return concat(l, {l.emit("Expand", {l.scalar_of(t, 1), l.ints({missing})}), v}, 0);
  };
  a = fill(a, ib.dim(0) - ia.dim(0));
  b = fill(b, ia.dim(0) - ib.dim(0));
  to(l, "Where", {l.emit("Equal", {a, l.scalar_of(t, 1)}), b, a});
}
TFLITE_LOWERING("BROADCAST_ARGS", lower_broadcast_args);

void lower_concatenation(Lower& l) {
  known(l, {"axis", "fused_activation_function"});
  arity(l, 1, UINT64_MAX);
  for (uint64_t k = 0; k < l.n_in(); ++k) need(l, k);
  tenon_value y = l.emit("Concat", inputs(l), AttrList{}.set("axis", l.i("axis")));
  finish(l, {activate(l, y, type_of(l, l.in(0)))});
}
TFLITE_LOWERING("CONCATENATION", lower_concatenation);

void lower_pack(Lower& l) {
  known(l, {"values_count", "axis"});
  arity(l, 1, UINT64_MAX);
  Values v;
  for (uint64_t k = 0; k < l.n_in(); ++k) v.push_back(unsqueeze(l, need(l, k), {l.i("axis")}));
  finish(l, {concat(l, v, l.i("axis"))});
}
TFLITE_LOWERING("PACK", lower_pack);

void lower_unpack(Lower& l) {
  known(l, {"num", "axis"});
  arity(l, 1, 1, UINT64_MAX);
  auto n = static_cast<int64_t>(l.n_out());
  if (l.has("num") && l.i("num") != n) throw invalid("option 'num' is not the number of outputs").with("expected", std::to_string(n)).with("found", std::to_string(l.i("num")));
  auto parts = l.emit_n("Split", {need(l, 0), l.ints(std::vector<int64_t>(l.n_out(), 1))}, AttrList{}.set("axis", l.i("axis")), l.n_out());
  Values out;
  for (uint64_t k = 0; k < parts.size(); ++k) out.push_back(l.has_out(k) ? squeeze(l, parts[k], {l.i("axis")}) : 0);
  finish(l, out);
}
TFLITE_LOWERING("UNPACK", lower_unpack);

int64_t single(const std::vector<int64_t>& v) {
  if (v.size() != 1) throw invalid("an axis must be one number").with("found", std::to_string(v.size()) + " numbers");
  return v[0];
}

void lower_split(Lower& l) {
  known(l, {"num_splits"});
  arity(l, 2, 2, UINT64_MAX);
  int64_t axis = single(need_ints(l, 0, "the axis"));
  auto n = static_cast<int64_t>(l.n_out());
  if (l.has("num_splits") && l.i("num_splits") != n) throw invalid("option 'num_splits' is not the number of outputs").with("expected", std::to_string(n)).with("found", std::to_string(l.i("num_splits")));
  finish(l, l.emit_n("Split", {need(l, 1)}, AttrList{}.set("axis", axis).set("num_outputs", n), l.n_out()));
}
TFLITE_LOWERING("SPLIT", lower_split);

// One size may be -1: what the others leave.
tenon_value split_sizes(Lower& l, int64_t axis) {
  auto sizes = constant_ints(l, need(l, 1));
  if (!sizes) return index_list(l, l.in(1));
  auto rest = std::find(sizes->begin(), sizes->end(), -1);
  if (rest == sizes->end()) return l.ints(*sizes);
  auto at = rest - sizes->begin();
  int64_t others = 1;
  for (int64_t s : *sizes) others += s;
  auto part = [&](auto begin, auto end) { return std::vector<int64_t>(begin, end); };
  tenon_value left = l.emit("Sub", {dim(l, need(l, 0), axis), l.ints({others})});
  return concat(l, {l.ints(part(sizes->begin(), sizes->begin() + at)), left, l.ints(part(sizes->begin() + at + 1, sizes->end()))}, 0);
}

void lower_split_v(Lower& l) {
  known(l, {"num_splits"});
  arity(l, 3, 3, UINT64_MAX);
  int64_t axis = axis_of(single(need_ints(l, 2, "the axis")), rank_of(l, need(l, 0)));
  finish(l, l.emit_n("Split", {l.in(0), split_sizes(l, axis)}, AttrList{}.set("axis", axis), l.n_out()));
}
TFLITE_LOWERING("SPLIT_V", lower_split_v);

}  // namespace
}  // namespace tenon::tflite
