// SPDX-License-Identifier: Apache-2.0
// Reshape, Transpose, Slice, Split, Expand and their like as strided views: nothing is copied until a reader needs it dense.
#include <algorithm>

#include "../kernel.hpp"
#include "../strided_copy.hpp"

namespace tenon::cpu {
namespace {

bool movable(const Builder& b, const PlanNode& n) { return n.posts.empty() && b.value(n.input(0)).known && b.value(n.input(0)).type.bits >= 8; }
int32_t match_any(const Builder& b, const PlanNode& n) { return movable(b, n) ? 10 : -1; }

int64_t wrap(int64_t axis, size_t rank) { return axis < 0 ? axis + static_cast<int64_t>(rank) : axis; }

bool build_reshape(Builder& b, const PlanNode& n) {
  const ValueId x = n.input(0), y = n.output();
  Strided v = b.strided(x);
  auto strides = reshape_strides(b.value(x).dims, v.strides, b.value(y).dims);
  if (!strides) {
    v = {b.read(x), 0, {}};
    strides = dense_strides(b.value(y).dims);
  }
  v.strides = *strides;
  b.write_view(y, v);
  return true;
}

bool build_transpose(Builder& b, const PlanNode& n) {
  const ValueId x = n.input(0);
  const Strided v = b.strided(x);
  const size_t rank = v.strides.size();
  Dims perm = n.attrs.ints("perm");
  if (perm.empty())
    for (size_t i = rank; i-- > 0;) perm.push_back(static_cast<int64_t>(i));
  Dims strides;
  for (auto p : perm) strides.push_back(v.strides.at(static_cast<size_t>(p)));
  b.write_view(n.output(), {v.slot, v.offset, strides});
  return true;
}

int32_t match_slice(const Builder& b, const PlanNode& n) {
  if (!movable(b, n)) return -1;
  for (size_t k = 1; k < n.in.size(); ++k)
    if (n.has_in(k) && !b.constant_ints(n.input(k))) return -1;
  return 10;
}
/// Parts of images: views of plain and channels_last memory, which cost nothing where the part lies in one piece.
std::optional<LayoutCosts> layouts_part(const Builder& b, const PlanNode& n, bool in_one_piece_plain, bool in_one_piece_last) {
  std::vector<ValueId> images(n.out);
  images.push_back(n.input(0));
  auto c = streaming_costs(b, images);
  if (!c) return c;
  const double copy = move_seconds(b.value(n.output()).count());
  c->seconds.fill(kCannot);
  (*c)[Layout::plain] = in_one_piece_plain ? 0 : copy;
  (*c)[Layout::channels_last] = in_one_piece_last ? 0 : copy;
  return c;
}
/// By how the sizes differ: along the first axes there are, the part lies in one piece.
std::optional<LayoutCosts> layouts_slice(const Builder& b, const PlanNode& n) {
  if (match_slice(b, n) < 0) return std::nullopt;
  const Dims &x = b.value(n.input(0)).dims, &y = b.value(n.output()).dims;
  if (x.size() < 3 || x[0] != 1) return layouts_part(b, n, false, false);
  return layouts_part(b, n, std::equal(x.begin() + 2, x.end(), y.begin() + 2), x[1] == y[1] && std::equal(x.begin() + 3, x.end(), y.begin() + 3));
}
bool build_slice(Builder& b, const PlanNode& n) {
  const ValueId x = n.input(0);
  const Dims& d = b.value(x).dims;
  Strided v = b.strided(x);
  const Dims starts = *b.constant_ints(n.input(1));
  Dims axes(starts.size()), steps(starts.size(), 1);
  for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(i);
  if (n.has_in(3)) axes = *b.constant_ints(n.input(3));
  if (n.has_in(4)) steps = *b.constant_ints(n.input(4));
  for (size_t i = 0; i < starts.size(); ++i) {
    const auto a = static_cast<size_t>(wrap(axes[i], d.size()));
    int64_t start = starts[i] < 0 ? starts[i] + d[a] : starts[i];
    start = steps[i] < 0 ? std::clamp<int64_t>(start, 0, d[a] - 1) : std::clamp<int64_t>(start, 0, d[a]);
    v.offset += start * v.strides[a];
    v.strides[a] *= steps[i];
  }
  b.write_view(n.output(), v);
  return true;
}

bool build_split(Builder& b, const PlanNode& n) {
  const ValueId x = n.input(0);
  const auto axis = static_cast<size_t>(wrap(n.attrs.i("axis"), b.value(x).dims.size()));
  Strided v = b.strided(x);
  for (auto y : n.out) {
    if (y == kNoValue) return false;
    if (b.value(y).count() > 0) b.write_view(y, v);
    else b.write(y);
    v.offset += b.value(y).dims[axis] * v.strides[axis];
  }
  return true;
}
int32_t match_split(const Builder& b, const PlanNode& n) {
  for (auto y : n.out)
    if (y == kNoValue) return -1;
  return match_any(b, n);
}

std::optional<LayoutCosts> layouts_split(const Builder& b, const PlanNode& n) {
  if (match_split(b, n) < 0 || b.value(n.input(0)).dims.size() < 3) return std::nullopt;
  const Dims& x = b.value(n.input(0)).dims;
  const int64_t axis = wrap(n.attrs.i("axis"), x.size());
  return layouts_part(b, n, x[0] == 1 && axis == 1, x[0] == 1 && axis == 2);
}

bool build_expand(Builder& b, const PlanNode& n) {
  const ValueId x = n.input(0), y = n.output();
  const Dims &from = b.value(x).dims, &to = b.value(y).dims;
  const Strided v = b.strided(x);
  Dims strides(to.size(), 0);
  for (size_t i = 0; i < from.size(); ++i) {
    const size_t k = to.size() - from.size() + i;
    if (from[i] == to[k]) strides[k] = v.strides[i];
  }
  b.write_view(y, {v.slot, v.offset, strides});
  return true;
}

int32_t match_tile(const Builder& b, const PlanNode& n) {
  const auto repeats = b.constant_ints(n.input(1));
  return movable(b, n) && repeats && repeats->size() == b.value(n.input(0)).dims.size() && b.value(n.output()).count() > 0 ? 50 : -1;
}
/// Each axis is one of repeats, which costs nothing to walk along, and the input's.
bool build_tile(Builder& b, const PlanNode& n) {
  const Dims& d = b.value(n.input(0)).dims;
  const Dims repeats = *b.constant_ints(n.input(1));
  const Strided v = b.strided(n.input(0));
  Dims dims, strides;
  for (size_t i = 0; i < d.size(); ++i) {
    dims.insert(dims.end(), {repeats[i], d[i]});
    strides.insert(strides.end(), {0, v.strides[i]});
  }
  b.copy_into(n.output(), {v.slot, v.offset, strides}, dims);
  return true;
}

/// One element of an axis, chosen by a constant: a slice without that axis.
int32_t match_select(const Builder& b, const PlanNode& n) {
  const auto index = b.constant_ints(n.input(1));
  return movable(b, n) && index && index->size() == 1 && b.value(n.input(1)).dims.size() <= 1 ? 10 : -1;
}
bool build_select(Builder& b, const PlanNode& n) {
  const ValueId x = n.input(0);
  const Dims& d = b.value(x).dims;
  const auto axis = static_cast<size_t>(wrap(n.attrs.i("axis"), d.size()));
  int64_t index = b.constant_ints(n.input(1))->front();
  if (index < 0) index += d[axis];
  if (index < 0 || index >= d[axis]) return false;
  Strided v = b.strided(x);
  v.offset += index * v.strides[axis];
  if (b.value(n.input(1)).dims.empty())
    v.strides.erase(v.strides.begin() + static_cast<std::ptrdiff_t>(axis));
  b.write_view(n.output(), v);
  return true;
}

/// Blocks of the depth become space, or the other way round, as a view of six dims.
bool build_depth_to_space(Builder& b, const PlanNode& n) {
  const ValueId x = n.input(0), y = n.output();
  const Dims& d = b.value(x).dims;
  const int64_t k = n.attrs.i("blocksize");
  const Strided v = b.strided(x);
  const int64_t c = d[1] / (k * k), sn = v.strides[0], sc = v.strides[1], sh = v.strides[2], sw = v.strides[3];
  const bool dcr = n.attrs.s("mode", "DCR") == "DCR";
  const int64_t sk1 = dcr ? sc * c * k : sc * k, sk2 = dcr ? sc * c : sc, s_c = dcr ? sc : sc * k * k;
  if (b.planned() == Layout::channels_last)
    b.copy_into(y, {v.slot, v.offset, {sn, sh, sk1, sw, sk2, s_c}}, {d[0], d[2], k, d[3], k, c}, Layout::channels_last);
  else
    b.copy_into(y, {v.slot, v.offset, {sn, s_c, sh, sk1, sw, sk2}}, {d[0], c, d[2], k, d[3], k});
  return true;
}
bool build_space_to_depth(Builder& b, const PlanNode& n) {
  const ValueId x = n.input(0), y = n.output();
  const Dims& d = b.value(x).dims;
  const int64_t k = n.attrs.i("blocksize");
  const Strided v = b.strided(x);
  const int64_t sn = v.strides[0], sc = v.strides[1], sh = v.strides[2], sw = v.strides[3];
  if (b.planned() == Layout::channels_last)
    b.copy_into(y, {v.slot, v.offset, {sn, sh * k, sw * k, sh, sw, sc}}, {d[0], d[2] / k, d[3] / k, k, k, d[1]}, Layout::channels_last);
  else
    b.copy_into(y, {v.slot, v.offset, {sn, sh, sw, sc, sh * k, sw * k}}, {d[0], k, k, d[1], d[2] / k, d[3] / k});
  return true;
}
std::optional<LayoutCosts> layouts_rank4(const Builder& b, const PlanNode& n) {
  auto c = streaming_costs(b, {n.input(0), n.output()});
  if (c) (*c)[Layout::blocked8] = (*c)[Layout::blocked16] = kCannot;
  return c;
}
int32_t match_rank4(const Builder& b, const PlanNode& n) { return movable(b, n) && b.value(n.input(0)).dims.size() == 4 ? 50 : -1; }

}  // namespace

void register_movement(KernelTable& t) {
  for (const char* op : {"Reshape", "Squeeze", "Unsqueeze", "Identity"}) t.add({"cpu/view", op, match_any, build_reshape});
  t.add({"cpu/view", "Transpose", match_any, build_transpose});
  t.add({"cpu/view", "Slice", match_slice, build_slice, layouts_slice});
  t.add({"cpu/view", "Split", match_split, build_split, layouts_split});
  t.add({"cpu/view", "Expand", match_any, build_expand});
  t.add({"cpu/view", "Gather", match_select, build_select});
  t.add({"cpu/tile", "Tile", match_tile, build_tile});
  t.add({"cpu/depth-to-space", "DepthToSpace", match_rank4, build_depth_to_space, layouts_rank4});
  t.add({"cpu/space-to-depth", "SpaceToDepth", match_rank4, build_space_to_depth, layouts_rank4});
}

}  // namespace tenon::cpu
