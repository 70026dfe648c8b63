// SPDX-License-Identifier: Apache-2.0
// fuse-rotary: rotary position embedding that was exported as its formula becomes RotaryEmbedding.
//   x * cos + rotate_half(x) * sin, where both halves of cos and of sin are the same;
//   Concat(a cos - b sin, b cos + a sin) of x's halves a and b, or of its even and odd elements.
// Where heads were split by Reshape and Transpose just before, the rotation moves before that, so that attention can take them back.
#include <tenon/pattern.hpp>
#include <tenon/plugin.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/heads.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

using namespace pattern;

/// A Slice of the last axis alone by constants.
struct LastSlice {
  int64_t start, end, step;
};
std::optional<LastSlice> last_slice(const Graph& g, tenon_node n) {
  const ValueInfo x = g.info(g.input(n, 0));
  const auto starts = ints(g, g.input(n, 1)), ends = ints(g, g.input(n, 2));
  if (!starts || !ends || x.rank() < 1 || x.dim(-1) < 1 || starts->size() != ends->size()) return std::nullopt;
  std::vector<int64_t> axes, steps(starts->size(), 1);
  for (size_t k = 0; k < starts->size(); ++k) axes.push_back(static_cast<int64_t>(k));
  if (g.input(n, 3)) {
    const auto a = ints(g, g.input(n, 3));
    if (!a) return std::nullopt;
    axes = *a;
  }
  if (g.input(n, 4)) {
    const auto s = ints(g, g.input(n, 4));
    if (!s) return std::nullopt;
    steps = *s;
  }
  std::optional<LastSlice> found;
  for (size_t k = 0; k < axes.size() && k < steps.size(); ++k) {
    const int64_t axis = axis_of(axes[k], x.rank()), d = x.dim(static_cast<int32_t>(axis));
    auto at = [d](int64_t v) { return d < 0 ? v : std::clamp<int64_t>(v < 0 ? v + d : v, 0, d); };
    if (axis == x.rank() - 1) found = LastSlice{at((*starts)[k]), at((*ends)[k]), steps[k]};
    else if (d < 0 || at((*starts)[k]) != 0 || at((*ends)[k]) != d || steps[k] != 1) return std::nullopt;
  }
  return found;
}

enum Part { kLow, kHigh, kEven, kOdd };
bool is_part(const Graph& g, tenon_node n, Part part) {
  const auto s = last_slice(g, n);
  const int64_t size = g.info(g.input(n, 0)).dim(-1);
  if (!s || size % 2 != 0) return false;
  if (part == kLow) return s->start == 0 && s->end == size / 2 && s->step == 1;
  if (part == kHigh) return s->start == size / 2 && s->end == size && s->step == 1;
  return s->step == 2 && s->start == (part == kOdd ? 1 : 0) && s->end >= size - 1;
}
bool halves(const Graph& g, tenon_node n) {
  const ValueInfo x = g.info(g.input(n, 0));
  return axis_of(g.attrs(n).i("axis", 0), x.rank()) == x.rank() - 1 && g.outputs(n).size() == 2 && g.info(g.output(n, 0)).dim(-1) == g.info(g.output(n, 1)).dim(-1);
}
Pattern slice_of(const Pattern& x, Part part) {
  return op("Slice", {x}).rest(any()).node_where([part](const Graph& g, tenon_node n) { return is_part(g, n, part); });
}
Pattern half_of(const Pattern& x, Part part) {
  return either({slice_of(x, part), op("Split", {x}).rest(any()).node_where(halves).output(part == kLow ? 0 : 1)});
}
bool along_last(const Graph& g, tenon_node n) {
  const int32_t rank = g.info(g.output(n)).rank();
  return rank > 0 && axis_of(g.attrs(n).i("axis"), rank) == rank - 1;
}

const Pattern kX = any(), kCos = any(), kSin = any();

const Pattern& whole_form() {
  static const Pattern rotated = op("Concat", {op("Neg", {half_of(kX, kHigh)}), half_of(kX, kLow)}).node_where(along_last);
  static const Pattern root = sum(product(kX, kCos), product(rotated, kSin));
  return root;
}
/// [a cos - b sin, b cos + a sin]
std::pair<Pattern, Pattern> rotated(const Pattern& a, const Pattern& b) {
  return {op("Sub", {product(a, kCos), product(b, kSin)}), sum(product(b, kCos), product(a, kSin))};
}
const Pattern& parts_form() {
  static const Pattern root = [] {
    const auto [first, second] = rotated(half_of(kX, kLow), half_of(kX, kHigh));
    return op("Concat", {first, second}).node_where(along_last);
  }();
  return root;
}
const Pattern& pairs_form() {
  static const Pattern root = [] {
    const auto [first, second] = rotated(slice_of(kX, kEven), slice_of(kX, kOdd));
    auto widened = [](const Pattern& p) { return op({"Unsqueeze", "Reshape"}, {p}).rest(any()); };
    return op("Reshape", {op("Concat", {widened(first), widened(second)}).node_where(along_last)}).rest(any());
  }();
  return root;
}

/// The first half of v's last axis, when the second is the same; 0 when that cannot be seen. Makes nodes only with `make`.
tenon_value first_half(Rewriter& r, tenon_value v, tenon_node root, bool make, int depth = 0) {
  const ValueInfo i = r.g.info(v);
  if (i.rank() < 1 || i.dim(-1) < 2 || i.dim(-1) % 2 != 0 || depth > 8) return 0;
  const int64_t half = i.dim(-1) / 2;
  Dims dims = i.dims().vec();
  dims.back() = half;
  if (const auto data = floats(r.g, v)) {
    std::vector<float> first;
    for (size_t row = 0; row < data->size(); row += static_cast<size_t>(2 * half))
      for (size_t k = 0; k < static_cast<size_t>(half); ++k) {
        if ((*data)[row + k] != (*data)[row + k + static_cast<size_t>(half)]) return 0;
        first.push_back(static_cast<float>((*data)[row + k]));
      }
    return make ? r.g.add_constant<float>("", dims, first.data()) : v;
  }
  const tenon_node n = i.producer();
  if (!n || !r.here(n) || i.output_index() != 0) return 0;
  std::vector<tenon_value> in = r.g.inputs(n);
  if (r.is(n, "Concat")) return in.size() == 2 && in[0] == in[1] && along_last(r.g, n) ? in[0] : 0;
  const bool unary = r.is(n, "Cos") || r.is(n, "Sin") || r.is(n, "Cast"), scaled = r.is(n, "Mul") && scalar(r.g, in[1]) && r.g.info(in[1]).rank() <= i.rank();
  const bool looked_up = r.is(n, "Gather") && axis_of(r.g.attrs(n).i("axis", 0), r.g.info(in[0]).rank()) + 1 < r.g.info(in[0]).rank();
  bool moved = false;
  if (r.is(n, "Unsqueeze")) {
    const auto axes = ints(r.g, in[1]);
    moved = axes && std::none_of(axes->begin(), axes->end(), [&](int64_t a) { return axis_of(a, i.rank()) == i.rank() - 1; });
  }
  if (!unary && !scaled && !looked_up && !moved) return 0;
  in[0] = first_half(r, in[0], root, make, depth + 1);
  if (!in[0] || !make) return in[0];
  AttrList attrs;
  const Attrs own = r.g.attrs(n);
  for (const tenon_attr& a : own.all()) attrs.copy(a);
  const tenon_value y = r.emit(root, Graph::op_name(r.g.op(n)).name, in, attrs);
  r.g.set_type(y, i.type(), dims);
  return y;
}

/// What a cache of angles [batch, steps, half] is: v without the axis of the heads. 0 when v is another thing.
struct Layout {
  int32_t heads, steps;  ///< axes of x
};
bool is_cache(const ValueInfo& x, const ValueInfo& v, Layout l, int64_t last) {
  return known(v) && v.type() == x.type() && v.rank() == 4 && v.dim(0) == x.dim(0) && v.dim(l.heads) == 1 && v.dim(l.steps) == x.dim(l.steps) && v.dim(3) == last;
}
tenon_value cache(Rewriter& r, tenon_node root, tenon_value v, Layout l) {
  const ValueInfo i = r.g.info(v);
  if (const tenon_node n = r.made_by(v, "Unsqueeze"); n && ints(r.g, r.g.input(n, 1)) == std::vector<int64_t>{l.heads}) return r.g.input(n, 0);
  const tenon_value y = r.emit(root, "Squeeze", {v, r.g.add_ints("", {l.heads})});
  r.g.set_type(y, i.type(), Dims{i.dim(0), i.dim(l.steps), i.dim(3)});
  return y;
}

bool emit_rotary(Rewriter& r, tenon_node n, const Match& m, tenon_value cosines, tenon_value sines, Layout l, bool interleaved) {
  const tenon_value x = m[kX];
  const ValueInfo i = r.g.info(x);
  AttrList attrs;
  if (interleaved) attrs.add("interleaved", 1);
  const tenon_value c = cache(r, n, cosines, l), s = cache(r, n, sines, l);
  if (l.heads == 1) {
    r.replace(n, {"RotaryEmbedding", {x, c, s}, std::move(attrs), m.absorbed()});
    return true;
  }
  const Dims flat{i.dim(0), i.dim(1), i.dim(2) * i.dim(3)};
  const tenon_value rows = r.emit(n, "Reshape", {x, r.g.add_ints("", Dims{0, 0, flat[2]})});
  r.g.set_type(rows, i.type(), flat);
  attrs.add("num_heads", i.dim(2));
  const tenon_value y = r.emit(n, "RotaryEmbedding", {rows, c, s}, attrs);
  r.g.set_type(y, i.type(), flat);
  r.replace(n, {"Reshape", {y, r.g.add_ints("", Dims{0, 0, i.dim(2), i.dim(3)})}, {}, m.absorbed()});
  return true;
}

/// Heads before steps, or steps before heads.
bool rotary(Rewriter& r, tenon_node n, const Pattern& form, bool whole, bool interleaved) {
  const auto m = match(r.g, form, n);
  if (!m) return false;
  const ValueInfo x = r.g.info((*m)[kX]), c = r.g.info((*m)[kCos]), s = r.g.info((*m)[kSin]);
  if (x.rank() != 4 || !known(x) || !is_float(x.type()) || !same_type(x, r.g.info(r.g.output(n))) || x.dim(-1) < 2) return false;
  for (const Layout l : {Layout{1, 2}, Layout{2, 1}}) {
    const int64_t last = whole ? x.dim(-1) : x.dim(-1) / 2;
    if (!is_cache(x, c, l, last) || !is_cache(x, s, l, last) || (l.heads == 2 && x.dim(2) < 1)) continue;
    if (!whole) return emit_rotary(r, n, *m, (*m)[kCos], (*m)[kSin], l, interleaved);
    if (!first_half(r, (*m)[kCos], n, false) || !first_half(r, (*m)[kSin], n, false)) return false;
    return emit_rotary(r, n, *m, first_half(r, (*m)[kCos], n, true), first_half(r, (*m)[kSin], n, true), l, interleaved);
  }
  return false;
}

bool rotate_half(Rewriter& r, tenon_node n) { return rotary(r, n, whole_form(), true, false); }
bool rotate_parts(Rewriter& r, tenon_node n) { return rotary(r, n, parts_form(), false, false); }
bool rotate_pairs(Rewriter& r, tenon_node n) { return rotary(r, n, pairs_form(), false, true); }

/// RotaryEmbedding of heads that were just split becomes the split of a RotaryEmbedding.
bool before_split(Rewriter& r, tenon_node n) {
  const tenon_value x = r.g.input(n, 0);
  const ValueInfo i = r.g.info(x);
  const tenon_node t = r.made_by(x, "Transpose"), reshape = t ? r.made_by(r.g.input(t, 0), "Reshape") : 0;
  if (i.rank() != 4 || !reshape || r.g.attrs(t).ints("perm") != std::vector<int64_t>{0, 2, 1, 3} || i.dim(1) < 1 || i.dim(3) < 1) return false;
  const tenon_value rows = r.g.input(reshape, 0);
  const ValueInfo from = r.g.info(rows);
  if (!known(from) || from.rank() != 3 || from.dim(0) != i.dim(0) || from.dim(1) != i.dim(2) || from.dim(2) != i.dim(1) * i.dim(3)) return false;
  AttrList attrs;
  const Attrs own = r.g.attrs(n);
  for (const tenon_attr& a : own.all()) attrs.copy(a);
  attrs.add("num_heads", i.dim(1));
  std::vector<tenon_value> in = r.g.inputs(n);
  in[0] = rows;
  const tenon_value turned = r.emit(n, "RotaryEmbedding", in, attrs);
  r.g.copy_type(turned, rows);
  const tenon_value split = r.emit(n, "Reshape", {turned, r.g.add_ints("", Dims{0, 0, i.dim(1), i.dim(3)})});
  r.g.copy_type(split, r.g.output(reshape));
  r.replace(n, {"Transpose", {split}, AttrList{}.set("perm", std::vector<int64_t>{0, 2, 1, 3})});
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g,
                  {{{"Add"}, rotate_half, "rotate-half"},
                   {{"Concat"}, rotate_parts, "rotate-parts"},
                   {{"Reshape"}, rotate_pairs, "rotate-pairs"},
                   {{"RotaryEmbedding"}, before_split, "before-split"}})
      .run();
}

}  // namespace

TENON_PASS("fuse-rotary",
           R"("class":"reassociating","summary":"rotary position embedding written as its formula becomes RotaryEmbedding","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
