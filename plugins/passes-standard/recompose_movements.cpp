// SPDX-License-Identifier: Apache-2.0
// recompose-movements: data movements that were written with Reshape and Transpose, Tile or Expand become one operator again: DepthToSpace,
// SpaceToDepth (also as a Concat of every b-th row and column), and Resize by whole factors to the nearest neighbour.
#include <tenon/plugin.hpp>
#include <tenon/rewriter.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/permutation.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

struct Block {
  const char* op;
  const char* mode;
};

/// The movement that a block operator does on x, by its definition.
Permutation definition(const Graph& g, const Block& b, const ValueInfo& x, int64_t size) {
  auto part = [&](int32_t k, int64_t by) { return api().ir->dim_op(g.raw(), TENON_DIM_FLOORDIV, x.dim(k), by); };
  const bool depth_first = std::string_view(b.mode) == "DCR";
  if (std::string_view(b.op) == "DepthToSpace") {
    const int64_t c = x.dim(1) / (size * size);
    if (depth_first) return {{x.dim(0), size, size, c, x.dim(2), x.dim(3)}, {0, 3, 4, 1, 5, 2}};
    return {{x.dim(0), c, size, size, x.dim(2), x.dim(3)}, {0, 1, 4, 2, 5, 3}};
  }
  const Dims shape{x.dim(0), x.dim(1), part(2, size), size, part(3, size), size};
  return depth_first ? Permutation{shape, {0, 3, 5, 1, 2, 4}} : Permutation{shape, {0, 1, 3, 5, 2, 4}};
}

bool blocks(Rewriter& r, tenon_node n) {
  const auto s = shuffle(r, n);
  if (!s) return false;
  const ValueInfo x = r.g.info(s->x), y = r.g.info(r.g.output(n));
  if (!known(x) || !known(y) || x.rank() != 4 || y.rank() != 4 || x.dim(1) < 1 || y.dim(1) < 1 || x.dim(0) != y.dim(0) || x.dim(1) == y.dim(1)) return false;
  const bool to_space = x.dim(1) > y.dim(1);
  const int64_t ratio = to_space ? x.dim(1) / y.dim(1) : y.dim(1) / x.dim(1);
  const auto size = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(ratio))));
  if (size < 2 || size * size * std::min(x.dim(1), y.dim(1)) != std::max(x.dim(1), y.dim(1))) return false;
  const ValueInfo &small = to_space ? x : y, &large = to_space ? y : x;
  for (int32_t k : {2, 3})
    if (api().ir->dim_op(r.g.raw(), TENON_DIM_MUL, small.dim(k), size) != large.dim(k)) return false;
  const Permutation found = canonical(r.g, s->movement);
  for (const char* mode : {"DCR", "CRD"}) {
    const Block b{to_space ? "DepthToSpace" : "SpaceToDepth", mode};
    if (!(canonical(r.g, definition(r.g, b, x, size)) == found)) continue;
    r.replace(n, {b.op, {s->x}, AttrList{}.set("blocksize", size).set("mode", mode), s->nodes});
    return true;
  }
  return false;
}

/// How often each axis of a value is repeated in place; nothing when that is not what Tile or Expand does to `middle`.
std::optional<Dims> repeats(Rewriter& r, tenon_node n) {
  const ValueInfo m = r.g.info(r.g.input(n, 0)), y = r.g.info(r.g.output(n));
  if (!known(m) || !known(y) || m.rank() != y.rank()) return std::nullopt;
  Dims f;
  for (int32_t k = 0; k < m.rank(); ++k) {
    const int64_t factor = m.dim(k) == y.dim(k) ? 1 : m.dim(k) == 1 ? y.dim(k) : 0;
    if (factor < 1) return std::nullopt;
    f.push_back(factor);
  }
  return f;
}

/// Every element of an axis of x followed by copies of itself: the inserted axes of length 1 stand right behind theirs.
std::optional<Dims> factors(const ValueInfo& x, const ValueInfo& middle, const Dims& repeated) {
  Dims f(static_cast<size_t>(x.rank()), 1);
  int32_t axis = -1;
  for (int32_t k = 0; k < middle.rank(); ++k) {
    const int64_t factor = repeated[static_cast<size_t>(k)];
    const bool next = axis + 1 < x.rank() && middle.dim(k) == x.dim(axis + 1);
    if (factor == 1 && next) ++axis;
    else if (middle.dim(k) != 1) return std::nullopt;
    else if (factor > 1 && (axis < 0 || f[static_cast<size_t>(axis)] != 1)) return std::nullopt;
    else if (factor > 1) f[static_cast<size_t>(axis)] = factor;
  }
  if (axis + 1 != x.rank()) return std::nullopt;
  return f;
}

/// Positions are computed in f32, which is exact up to here.
constexpr int64_t kLongest = 65536;

bool nearest(Rewriter& r, tenon_node n) {
  const tenon_value middle = r.g.input(n, 0);
  const tenon_node inner = r.made_by(middle, "Reshape");
  const auto target = reshape_target(r.g.info(r.g.output(n)));
  const auto repeated = repeats(r, n);
  if (!inner || !r.single_use(middle) || !target || !repeated) return false;
  const tenon_value source = r.g.input(inner, 0);
  const ValueInfo x = r.g.info(source);
  if (!known(x) || x.rank() != 4 || x.type() != dt::f32) return false;
  const auto f = factors(x, r.g.info(middle), *repeated);
  if (!f) return false;
  Dims axes, sizes, d = x.dims().vec();
  for (size_t k = 0; k < f->size(); ++k) {
    if ((*f)[k] == 1) continue;
    if (k == 0 || d[k] < 1 || d[k] * (*f)[k] > kLongest) return false;
    d[k] *= (*f)[k];
    axes.push_back(static_cast<int64_t>(k));
    sizes.push_back(d[k]);
  }
  if (axes.empty()) return false;
  AttrList attrs;
  attrs.add("mode", "nearest").add("coordinate_transformation_mode", "asymmetric").add("nearest_mode", "floor").add("axes", axes);
  const tenon_value large = r.emit(n, "Resize", {source, 0, 0, r.g.add_ints("", sizes)}, attrs);
  r.g.set_type(large, x.type(), d);
  r.replace(n, {"Reshape", {large, r.g.add_ints("", *target)}, {}, {inner}});
  return true;
}

bool is_repetition(const Attrs& a) {
  return a.s("mode", "nearest") == "nearest" && a.s("coordinate_transformation_mode", "half_pixel") == "asymmetric" && a.s("nearest_mode") == "floor" &&
         a.has("axes") && !a.i("antialias") && !a.has("keep_aspect_ratio_policy");
}

/// Repetitions along different axes are one.
bool resizes(Rewriter& r, tenon_node n) {
  const tenon_value x = r.g.input(n, 0);
  const tenon_node inner = r.made_by(x, "Resize");
  if (!inner || !r.single_use(x) || !is_repetition(r.g.attrs(n)) || !is_repetition(r.g.attrs(inner))) return false;
  Dims axes, sizes;
  for (tenon_node m : {inner, n}) {
    const auto s = ints(r.g, r.g.input(m, 3));
    if (!s || r.g.input(m, 1) || r.g.input(m, 2)) return false;
    const auto a = r.g.attrs(m).ints("axes");
    const ValueInfo from = r.g.info(r.g.input(m, 0));
    for (size_t k = 0; k < a.size(); ++k) {
      const int64_t axis = axis_of(a[k], from.rank()), d = from.dim(static_cast<int32_t>(axis));
      if (d < 1 || (*s)[k] % d || (*s)[k] > kLongest || std::find(axes.begin(), axes.end(), axis) != axes.end()) return false;
      axes.push_back(axis);
      sizes.push_back((*s)[k]);
    }
  }
  AttrList attrs;
  attrs.add("mode", "nearest").add("coordinate_transformation_mode", "asymmetric").add("nearest_mode", "floor").add("axes", axes);
  r.replace(n, {"Resize", {r.g.input(inner, 0), 0, 0, r.g.add_ints("", sizes)}, std::move(attrs), {inner}});
  return true;
}

/// Which rows and columns of x a Slice takes: every size-th one from each offset on.
struct Phase {
  tenon_value x = 0;
  int64_t row = 0, column = 0;
};
std::optional<Phase> phase(Rewriter& r, tenon_value v, int64_t size) {
  const tenon_node n = r.made_by(v, "Slice");
  if (!n || !r.single_use(v)) return std::nullopt;
  const tenon_value x = r.g.input(n, 0);
  const ValueInfo from = r.g.info(x), to = r.g.info(v);
  const auto starts = ints(r.g, r.g.input(n, 1)), axes = ints(r.g, r.g.input(n, 3)), steps = ints(r.g, r.g.input(n, 4));
  if (from.rank() != 4 || !starts || !axes || !steps || starts->size() != 2 || axes->size() != 2 || steps->size() != 2) return std::nullopt;
  Phase p{x, -1, -1};
  for (size_t k = 0; k < 2; ++k) {
    const auto axis = static_cast<int32_t>(axis_of((*axes)[k], 4));
    // Of a length that is a multiple of the step, as many elements as there are are the regular ones from a start below the step on.
    if (axis < 2 || (*steps)[k] != size || (*starts)[k] < 0 || (*starts)[k] >= size) return std::nullopt;
    if (from.dim(axis) < 1 || from.dim(axis) % size || to.dim(axis) != from.dim(axis) / size) return std::nullopt;
    (axis == 2 ? p.row : p.column) = (*starts)[k];
  }
  return p.row < 0 || p.column < 0 ? std::nullopt : std::optional(p);
}

/// The positions of a block side by side as channels. In another order than SpaceToDepth's, the channels are gathered after it.
bool phases(Rewriter& r, tenon_node n) {
  const Ids in = r.g.inputs(n);
  const auto size = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(in.size()))));
  if (size < 2 || static_cast<size_t>(size * size) != in.size() || r.g.info(r.g.output(n)).rank() != 4 || axis_of(r.g.attrs(n).i("axis"), 4) != 1) return false;
  std::vector<int64_t> order;
  std::vector<tenon_node> slices;
  tenon_value x = 0;
  for (tenon_value v : in) {
    const auto p = phase(r, v, size);
    const int64_t at = p ? p->row * size + p->column : -1;
    if (!p || (x && p->x != x) || std::find(order.begin(), order.end(), at) != order.end()) return false;
    x = p->x;
    order.push_back(at);
    slices.push_back(r.g.producer(v));
  }
  const int64_t channels = r.g.info(x).dim(1);
  if (channels < 1) return false;
  const AttrList attrs = AttrList{}.set("blocksize", size).set("mode", "DCR");
  if (std::is_sorted(order.begin(), order.end())) {
    r.replace(n, {"SpaceToDepth", {x}, AttrList{}.set("blocksize", size).set("mode", "DCR"), slices});
    return true;
  }
  const tenon_value deep = r.emit(n, "SpaceToDepth", {x}, attrs);
  r.g.copy_type(deep, r.g.output(n));
  std::vector<int64_t> positions;
  for (int64_t block : order)
    for (int64_t c = 0; c < channels; ++c) positions.push_back(block * channels + c);
  r.replace(n, {"Gather", {deep, r.g.add_ints("", positions)}, AttrList{}.set("axis", 1), slices});
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g,
                  {{{"Reshape"}, blocks, "blocks", Measure::nodes()},
                   {{"Tile", "Expand"}, nearest, "nearest"},
                   {{"Resize"}, resizes, "resizes", Measure::nodes()},
                   {{"Concat"}, phases, "phases", Measure::nodes()}})
      .run();
}

}  // namespace

TENON_PASS("recompose-movements",
           R"("class":"exact","summary":"recognize DepthToSpace, SpaceToDepth and Resize to the nearest neighbour written with Reshape, Transpose, Tile, Expand, Slice and Concat","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
