// SPDX-License-Identifier: Apache-2.0
// pad.cpp - padding, and rearrangements between space, batch and depth.
#include "lowerings/common/window.hpp"
#include "lowerings/common/spread.hpp"

namespace tenon::tflite {

tenon_value spread(Lower& l, tenon_value x, tenon_value sizes, int64_t axis, int32_t rank, int64_t dilation, tenon_value value) {
  std::vector<int64_t> pads(2 * (static_cast<size_t>(rank) + 1), 0);
  pads[static_cast<size_t>(rank) + 1 + static_cast<size_t>(axis) + 1] = dilation - 1;
  tenon_value wide = l.emit("Pad", {unsqueeze(l, x, {axis + 1}), l.ints(pads), value}, AttrList{}.set("mode", "constant"));
  tenon_value size = l.emit("Mul", {slice(l, sizes, 0, axis, axis + 1), l.ints({dilation})});
  Values all;
  if (axis > 0) all.push_back(slice(l, sizes, 0, 0, axis));
  all.push_back(size);
  if (axis + 1 < rank) all.push_back(slice(l, sizes, 0, axis + 1, rank));
  return slice(l, l.emit("Reshape", {wide, concat(l, all, 0)}), axis, 0, 1 - dilation);
}

namespace {

// [n, 2] pairs of begin and end as the IR's list: all begins, then all ends.
tenon_value pad_list(Lower& l, tenon_value pairs) {
  auto known = constant_ints(l, pairs);
  if (!known) return l.emit("Reshape", {transpose(l, cast(l, pairs, dt::i64), {1, 0}), l.ints({-1})});
  if (known->size() % 2) throw invalid("paddings are pairs").with("found", std::to_string(known->size()) + " numbers");
  std::vector<int64_t> r(known->size());
  for (size_t k = 0; k < known->size(); ++k) r[k % 2 * (known->size() / 2) + k / 2] = (*known)[k];
  return l.ints(r);
}

void lower_pad(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  to(l, "Pad", {need(l, 0), pad_list(l, need(l, 1)), zero_of(l, l.in(0))}, AttrList{}.set("mode", "constant"));
}
TFLITE_LOWERING("PAD", lower_pad);

void lower_padv2(Lower& l) {
  known(l, {});
  arity(l, 2, 3);
  tenon_value value = l.has_in(2) ? l.in(2) : zero_of(l, need(l, 0));
  if (l.has_in(2) && l.info(value).rank() != 0) value = l.emit("Reshape", {value, l.ints({})});
  to(l, "Pad", {need(l, 0), pad_list(l, need(l, 1)), value}, AttrList{}.set("mode", "constant"));
}
TFLITE_LOWERING("PADV2", lower_padv2);

void lower_mirror_pad(Lower& l) {
  known(l, {"mode"});
  arity(l, 2, 2);
  std::string mode = l.s("mode", "REFLECT");
  if (mode != "REFLECT" && mode != "SYMMETRIC") throw unsupported("this way of padding is not known").with("found", mode);
  to(l, "Pad", {need(l, 0), pad_list(l, need(l, 1))}, AttrList{}.set("mode", mode == "REFLECT" ? "reflect" : "symmetric"));
}
TFLITE_LOWERING("MIRROR_PAD", lower_mirror_pad);

void blocks(Lower& l, std::string_view op, AttrList a) {
  known(l, {"block_size"});
  arity(l, 1, 1);
  if (rank_of(l, need(l, 0)) != 4) throw invalid("a tensor of 4 dimensions is needed");
  a.add("blocksize", l.i("block_size"));
  finish(l, {channels_last(l, l.emit(op, {channels_first(l, l.in(0))}, a))});
}
void lower_depth_to_space(Lower& l) { blocks(l, "DepthToSpace", AttrList{}.set("mode", "DCR")); }
void lower_space_to_depth(Lower& l) { blocks(l, "SpaceToDepth", AttrList{}); }
TFLITE_LOWERING("DEPTH_TO_SPACE", lower_depth_to_space);
TFLITE_LOWERING("SPACE_TO_DEPTH", lower_space_to_depth);

// Block sizes of the axes behind the batch.
std::vector<int64_t> block_sizes(Lower& l, int32_t rank) {
  auto b = need_ints(l, 1, "the block's shape");
  if (b.empty() || static_cast<int32_t>(b.size()) >= rank) throw invalid("the block does not fit the data").with("found", std::to_string(b.size()) + " axes");
  for (int64_t x : b)
    if (x < 1) throw invalid("a block's sizes are positive").with("found", std::to_string(x));
  return b;
}

int64_t product(const std::vector<int64_t>& v) {
  int64_t p = 1;
  for (int64_t x : v)
    if (__builtin_mul_overflow(p, x, &p)) throw invalid("a block's size overflows");
  return p;
}

std::vector<int64_t> axes_from_1(size_t n) {
  std::vector<int64_t> r;
  for (size_t k = 1; k <= n; ++k) r.push_back(static_cast<int64_t>(k));
  return r;
}

// [N, s1 .. sM, ...] padded, each s cut into s/b pieces of b, and the positions in the pieces moved before the batch.
void lower_space_to_batch_nd(Lower& l) {
  known(l, {});
  arity(l, 3, 3);
  tenon_value x = need(l, 0);
  int32_t rank = rank_of(l, x);
  auto b = block_sizes(l, rank);
  auto m = static_cast<int64_t>(b.size());
  tenon_value padded = l.emit("Pad", {x, pad_list(l, need(l, 2)), zero_of(l, x), l.ints(axes_from_1(b.size()))}, AttrList{}.set("mode", "constant"));
  tenon_value pieces = l.emit("Div", {shape(l, padded, 1, m + 1), l.ints(b)});
  tenon_value rest = l.emit("Shape", {x}, AttrList{}.set("start", m + 1));
  Values split{dim(l, x, 0)};
  std::vector<int64_t> perm;
  for (int64_t k = 0; k < m; ++k) {
    split.push_back(slice(l, pieces, 0, k, k + 1));
    split.push_back(l.ints({b[static_cast<size_t>(k)]}));
    perm.push_back(2 * k + 2);
  }
  split.push_back(rest);
  perm.push_back(0);
  for (int64_t k = 0; k < m; ++k) perm.push_back(2 * k + 1);
  for (int64_t k = m + 1; k < rank; ++k) perm.push_back(k + m);
  tenon_value y = transpose(l, l.emit("Reshape", {padded, concat(l, split, 0)}), perm);
  tenon_value batch = l.emit("Mul", {dim(l, x, 0), l.ints({product(b)})});
  to(l, "Reshape", {y, concat(l, {batch, pieces, rest}, 0)});
}
TFLITE_LOWERING("SPACE_TO_BATCH_ND", lower_space_to_batch_nd);

void lower_batch_to_space_nd(Lower& l) {
  known(l, {});
  arity(l, 3, 3);
  tenon_value x = need(l, 0);
  int32_t rank = rank_of(l, x);
  auto b = block_sizes(l, rank);
  auto m = static_cast<int64_t>(b.size());
  tenon_value batch = l.emit("Div", {dim(l, x, 0), l.ints({product(b)})}), spatial = shape(l, x, 1, m + 1);
  tenon_value rest = l.emit("Shape", {x}, AttrList{}.set("start", m + 1));
  std::vector<int64_t> perm{m};
  for (int64_t k = 0; k < m; ++k) {
    perm.push_back(m + 1 + k);
    perm.push_back(k);
  }
  for (int64_t k = m + 1; k < rank; ++k) perm.push_back(k + m);
  tenon_value y = transpose(l, l.emit("Reshape", {x, concat(l, {l.ints(b), batch, spatial, rest}, 0)}), perm);
  tenon_value whole = l.emit("Mul", {spatial, l.ints(b)});
  y = l.emit("Reshape", {y, concat(l, {batch, whole, rest}, 0)});
  tenon_value crops = cast(l, need(l, 2), dt::i64);
  auto column = [&](int64_t k) { return l.emit("Reshape", {slice(l, crops, 1, k, k + 1), l.ints({-1})}); };
  to(l, "Slice", {y, column(0), l.emit("Sub", {whole, column(1)}), l.ints(axes_from_1(b.size()))});
}
TFLITE_LOWERING("BATCH_TO_SPACE_ND", lower_batch_to_space_nd);

void lower_dilate(Lower& l) {
  known(l, {});
  arity(l, 3, 3);
  tenon_value x = need(l, 0), value = need(l, 2);
  int32_t rank = rank_of(l, x);
  auto by = need_ints(l, 1, "the dilations");
  if (static_cast<int32_t>(by.size()) != rank) throw invalid("a dilation is needed for each axis").with("expected", std::to_string(rank)).with("found", std::to_string(by.size()));
  if (l.info(value).rank() != 0) value = l.emit("Reshape", {value, l.ints({})});
  tenon_value y = x;
  for (int32_t axis = 0; axis < rank; ++axis) {
    int64_t d = by[static_cast<size_t>(axis)];
    if (d < 1) throw invalid("a dilation is positive").with("found", std::to_string(d));
    if (d > 1) y = spread(l, y, shape(l, y), axis, rank, d, value);
  }
  finish(l, {y == x ? l.emit("Identity", {x}) : y});
}
TFLITE_LOWERING("DILATE", lower_dilate);

}  // namespace
}  // namespace tenon::tflite
