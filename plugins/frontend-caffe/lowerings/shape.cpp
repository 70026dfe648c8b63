// SPDX-License-Identifier: Apache-2.0
// shape.cpp - blobs moved, cut and put together.
#include <algorithm>

#include "common.hpp"

namespace tenon::caffe {
namespace {

int64_t axis_with_alias(const Layer& l, const char* alias, int64_t rank) {
  if (l.has("axis") && l.has(alias)) throw invalid(std::string("parameters 'axis' and '") + alias + "' are the same; one is allowed");
  return l.axis(l.has(alias) ? l.i(alias) : l.i("axis", 1), rank);
}

void lower_concat(Lower& lower) {
  Layer l(lower, "concat_param");
  l.arity(1, UINT32_MAX);
  Values in;
  for (uint64_t k = 0; k < l.bottoms(); ++k) in.push_back(l.in(k));
  l.to("Concat", in, AttrList{}.set("axis", axis_with_alias(l, "concat_dim", l.rank(in[0]))));
}
TENON_LOWERING("caffe", "Concat", 1, lower_concat);

/// Sizes between the points, the last one up to the end.
Values cut(const Layer& l, tenon_value x, int64_t axis, const Ints& points) {
  Values r;
  for (size_t k = 0; k <= points.size(); ++k) {
    int64_t begin = k ? points[k - 1] : 0, end = k < points.size() ? points[k] : INT64_MAX, size = l.dim(x, axis);
    if (end <= begin || (size >= 0 && begin >= size)) throw invalid("slice_point is not rising, or beyond the blob").with("found", text(points));
    r.push_back(l.emit("Slice", {x, l.ints({begin}), l.ints({end}), l.ints({axis})}));
  }
  return r;
}

void lower_slice(Lower& lower) {
  Layer l(lower, "slice_param");
  l.arity(1, 1, UINT32_MAX);
  tenon_value x = l.in();
  int64_t axis = axis_with_alias(l, "slice_dim", l.rank(x));
  auto n = static_cast<int64_t>(l.tops());
  Ints points = l.list("slice_point");
  if (!points.empty() || n == 1) {
    if (points.size() + 1 != l.tops()) throw invalid("slice_point needs one entry less than there are tops").with("expected", std::to_string(n - 1)).with("found", std::to_string(points.size()));
    return l.done(cut(l, x, axis, points));
  }
  int64_t size = l.dim(x, axis);
  if (size >= 0 && size % n) throw invalid("the blob does not divide into " + std::to_string(n) + " equal parts").with("found", std::to_string(size));
  l.done(l.emit_n("Split", {x}, AttrList{}.set("axis", axis).set("num_outputs", n), l.tops()));
}
TENON_LOWERING("caffe", "Slice", 1, lower_slice);

void lower_flatten(Lower& lower) {
  Layer l(lower, "flatten_param");
  l.arity(1, 1);
  tenon_value x = l.in();
  int64_t rank = l.rank(x), begin = l.axis(l.i("axis", 1), rank), end = l.axis(l.i("end_axis", -1), rank);
  if (end < begin) throw invalid("end_axis lies before axis");
  l.done({reshape(l, x, Shape(l).range(x, 0, begin).number(-1).range(x, end + 1, rank))});
}
TENON_LOWERING("caffe", "Flatten", 1, lower_flatten);

// 0 copies the dimension at that place of the part that is reshaped, -1 is worked out
void lower_reshape(Lower& lower) {
  Layer l(lower, "reshape_param");
  l.arity(1, 1);
  tenon_value x = l.in();
  Ints dims = l.list("shape.dim");
  int64_t rank = l.rank(x), begin = l.axis(l.i("axis", 0), rank, true), n = l.i("num_axes", -1);
  if (n < -1 || (n >= 0 && begin + n > rank)) throw invalid("num_axes is out of range").with("found", std::to_string(n));
  int64_t end = n == -1 ? rank : begin + n;
  Shape s(l);
  s.range(x, 0, begin);
  for (size_t k = 0; k < dims.size(); ++k) {
    int64_t from = begin + static_cast<int64_t>(k);
    if (dims[k] < -1 || dims[k] > INT32_MAX || (dims[k] == 0 && from >= end)) throw invalid("dimension " + std::to_string(k) + " of the new shape is wrong").with("found", text(dims));
    if (dims[k] == 0) s.of(x, from);
    else s.number(dims[k]);
  }
  s.range(x, end, rank);
  if (std::count(dims.begin(), dims.end(), -1) > 1) throw invalid("more than one dimension of the new shape is -1");
  l.done({reshape(l, x, s)});
}
TENON_LOWERING("caffe", "Reshape", 1, lower_reshape);

// Cut to the size of the second blob, from `axis` on.
void lower_crop(Lower& lower) {
  Layer l(lower, "crop_param");
  l.arity(2, 2);
  tenon_value x = l.in(0), like = l.in(1);
  int64_t rank = l.rank(x), axis = l.axis(l.i("axis", 2), rank);
  if (l.rank(like) != rank) throw invalid("the bottoms of the layer have different ranks");
  Ints offset = l.list("offset"), axes;
  auto cropped = static_cast<size_t>(rank - axis);
  if (offset.empty()) offset.push_back(0);
  if (offset.size() == 1) offset.assign(cropped, offset[0]);
  if (offset.size() != cropped) throw invalid("offset has the wrong number of entries").with("expected", "1 or " + std::to_string(cropped)).with("found", std::to_string(offset.size()));
  for (int64_t k = axis; k < rank; ++k) {
    axes.push_back(k);
    int64_t have = l.dim(x, k), want = l.dim(like, k), from = offset[static_cast<size_t>(k - axis)];
    if (have >= 0 && want >= 0 && have < from + want) throw invalid("the crop reaches beyond the blob").with("expected", "at most " + std::to_string(have)).with("found", std::to_string(from + want));
  }
  tenon_value size = Shape(l).range(like, axis, rank).get(), starts = l.ints(offset);
  l.to("Slice", {x, starts, l.emit("Add", {size, starts}), l.ints(axes)});
}
TENON_LOWERING("caffe", "Crop", 1, lower_crop);

void lower_tile(Lower& lower) {
  Layer l(lower, "tile_param");
  l.arity(1, 1);
  int64_t rank = l.rank(l.in()), axis = l.axis(l.i("axis", 1), rank);
  Ints repeats(static_cast<size_t>(rank), 1);
  repeats[static_cast<size_t>(axis)] = l.at_least("tiles", 1, 0);
  l.to("Tile", {l.in(), l.ints(repeats)});
}
TENON_LOWERING("caffe", "Tile", 1, lower_tile);

// The axes that `order` leaves out follow in their order.
void lower_permute(Lower& lower) {
  Layer l(lower, "permute_param");
  l.arity(1, 1);
  int64_t rank = l.rank(l.in());
  Ints order = l.list("order");
  for (size_t k = 0; k < order.size(); ++k)
    if (order[k] < 0 || order[k] >= rank || std::count(order.begin(), order.end(), order[k]) > 1) throw invalid("order is no list of different axes").with("found", text(order));
  for (int64_t k = 0; k < rank; ++k)
    if (std::find(order.begin(), order.end(), k) == order.end()) order.push_back(k);
  l.done({l.transpose(l.in(), order)});
}
TENON_LOWERING("caffe", "Permute", 1, lower_permute);

void lower_shuffle_channel(Lower& lower) {
  Layer l(lower, "shuffle_channel_param");
  l.arity(1, 1);
  tenon_value x = l.in();
  int64_t group = l.at_least("group", 1, 1), rank = l.rank(x), c = l.dim(x, 1);
  if (rank < 2) throw invalid("ShuffleChannel needs at least two dimensions");
  if (c >= 0 && c % group) throw invalid("the channels are no multiple of group").with("found", std::to_string(c));
  Shape split(l);
  split.of(x, 0).number(group);
  if (c >= 0) split.number(c / group);
  else split.value(l.emit("Div", {dim_value(l, x, 1), l.ints({group})}));
  split.range(x, 2, rank);
  Ints perm{0, 2, 1};
  for (int64_t k = 3; k <= rank; ++k) perm.push_back(k);
  l.done({reshape(l, l.transpose(reshape(l, x, split), perm), Shape(l).range(x, 0, rank))});
}
TENON_LOWERING("caffe", "ShuffleChannel", 1, lower_shuffle_channel);

/// Darknet's reorg, as YOLO v2's Caffe has it. It walks the blob as if it had C / s^2 channels and s times the size, and takes that apart
/// into blocks: [N, C, H, W] becomes [N, C * s^2, H / s, W / s]. The other direction, `reverse`, is a plain DepthToSpace.
void lower_reorg(Lower& lower) {
  Layer l(lower, "reorg_param");
  l.arity(1, 1);
  tenon_value x = l.in();
  int64_t s = l.at_least("stride", 1, 0);
  if (l.rank(x) != 4 || s > 1024) throw invalid("Reorg needs a bottom of 4 dimensions and a small stride").with("found", text(l.info(x).dims()));
  AttrList block;
  block.add("blocksize", s).add("mode", "DCR");
  if (l.flag("reverse", false)) return l.to("DepthToSpace", {x}, block);
  int64_t c = l.dim(x, 1);
  if (c < 0) throw unsupported("Reorg needs the number of channels of its bottom");
  if (c % (s * s)) throw invalid("the channels are no multiple of the square of stride").with("found", std::to_string(c));
  auto times = [&](int64_t k) { return l.emit("Mul", {dim_value(l, x, k), l.ints({s})}); };
  auto parts = [&](int64_t k) { return l.emit("Div", {dim_value(l, x, k), l.ints({s})}); };
  tenon_value wide = reshape(l, x, Shape(l).of(x, 0).number(c / (s * s)).value(times(2)).value(times(3)));
  tenon_value y = l.emit("SpaceToDepth", {wide}, block);
  l.done({reshape(l, y, Shape(l).of(x, 0).number(c * s * s).value(parts(2)).value(parts(3)))});
}
TENON_LOWERING("caffe", "Reorg", 1, lower_reorg);

void lower_batch_reindex(Lower& lower) {
  Layer l(lower);
  l.arity(2, 2);
  l.to("Gather", {l.in(0), l.cast(l.in(1), dt::i64)}, AttrList{}.set("axis", 0));
}
TENON_LOWERING("caffe", "BatchReindex", 1, lower_batch_reindex);

// Keeps the samples whose entry in the last bottom is not 0.
void lower_filter(Lower& lower) {
  Layer l(lower);
  l.arity(2, UINT32_MAX, UINT32_MAX);
  if (l.tops() + 1 != l.bottoms()) throw invalid("Filter needs one top for each bottom but the last").with("found", std::to_string(l.tops()));
  tenon_value selector = l.emit("Reshape", {l.in(l.bottoms() - 1), l.ints({-1})});
  tenon_value rows = l.emit("Reshape", {l.emit("NonZero", {selector}), l.ints({-1})});
  Values r;
  for (uint64_t k = 0; k < l.tops(); ++k) r.push_back(l.emit("Gather", {l.in(k), rows}, AttrList{}.set("axis", 0)));
  l.done(r);
}
TENON_LOWERING("caffe", "Filter", 1, lower_filter);

}  // namespace
}  // namespace tenon::caffe
