// SPDX-License-Identifier: Apache-2.0
// merge-slices: selections along an axis. A Slice of a Slice and a Gather of a Gather become one; a Gather of equally spaced positions is a
// Slice, one of all positions nothing; Slices that cut a value to pieces are one Split. Lengths along the axes concerned are numbers.
#include <tenon/plugin.hpp>
#include <tenon/rewriter.hpp>
#include <tenon/rewriting.hpp>

#include <algorithm>
#include <map>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

/// count elements from begin on, every step-th.
struct Range {
  int64_t begin = 0, step = 1, count = 0;
};

/// What a Slice takes along each axis that it names. Nothing when a bound is no constant or a length no number.
std::optional<std::map<int64_t, Range>> ranges(Rewriter& r, tenon_node n) {
  const ValueInfo x = r.g.info(r.g.input(n, 0));
  const auto starts = ints(r.g, r.g.input(n, 1)), ends = ints(r.g, r.g.input(n, 2));
  const tenon_value axes_in = r.g.input(n, 3), steps_in = r.g.input(n, 4);
  const auto axes = ints(r.g, axes_in), steps = ints(r.g, steps_in);
  if (x.rank() < 1 || !starts || !ends || starts->size() != ends->size() || (axes_in && !axes) || (steps_in && !steps)) return std::nullopt;
  std::map<int64_t, Range> result;
  for (size_t k = 0; k < starts->size(); ++k) {
    const int64_t axis = axes ? axis_of(axes->at(k), x.rank()) : static_cast<int64_t>(k);
    const int64_t length = x.dim(static_cast<int32_t>(axis)), step = steps ? steps->at(k) : 1;
    if (length < 0 || step < 1) return std::nullopt;
    auto clamp = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? std::max(at, -length) + length : at, 0, length); };
    const int64_t begin = clamp((*starts)[k]), span = std::max<int64_t>(0, clamp((*ends)[k]) - begin);
    const int64_t count = span ? (span - 1) / step + 1 : 0;
    if (!result.emplace(axis, Range{begin, count > 1 ? step : 1, count}).second) return std::nullopt;
  }
  return result;
}

std::vector<tenon_value> slice_inputs(Rewriter& r, tenon_value x, const std::map<int64_t, Range>& all) {
  std::vector<int64_t> starts, ends, axes, steps;
  bool stepped = false;
  for (const auto& [axis, range] : all) {
    starts.push_back(range.begin);
    ends.push_back(range.count ? range.begin + (range.count - 1) * range.step + 1 : range.begin);
    axes.push_back(axis);
    steps.push_back(range.step);
    stepped |= range.step != 1;
  }
  std::vector<tenon_value> in = {x, r.g.add_ints("", starts), r.g.add_ints("", ends), r.g.add_ints("", axes)};
  if (stepped) in.push_back(r.g.add_ints("", steps));
  return in;
}

/// A value that others want whole is not sliced twice over.
bool slice_of_slice(Rewriter& r, tenon_node n) {
  const tenon_value x = r.g.input(n, 0);
  const tenon_node inner = r.made_by(x, "Slice");
  if (!inner || !r.single_use(x)) return false;
  auto first = ranges(r, inner);
  const auto second = ranges(r, n);
  if (!first || !second) return false;
  for (const auto& [axis, range] : *second) {
    auto [it, fresh] = first->emplace(axis, range);
    if (!fresh) it->second = {it->second.begin + range.begin * it->second.step, it->second.step * range.step, range.count};
  }
  r.replace(n, {"Slice", slice_inputs(r, r.g.input(inner, 0), *first), {}, {inner}});
  return true;
}

/// Positions in [0, length) of a Gather with constant indices.
std::optional<std::vector<int64_t>> positions(Rewriter& r, tenon_node n, int64_t length) {
  auto at = ints(r.g, r.g.input(n, 1));
  if (!at || length < 1) return std::nullopt;
  for (int64_t& k : *at) {
    if (k < 0) k += length;
    if (k < 0 || k >= length) return std::nullopt;
  }
  return at;
}
struct Axis {
  int64_t at = 0, length = 0;
};
std::optional<Axis> gather_axis(Rewriter& r, tenon_node n) {
  const ValueInfo x = r.g.info(r.g.input(n, 0));
  if (x.rank() < 1) return std::nullopt;
  const int64_t axis = axis_of(r.g.attrs(n).i("axis"), x.rank());
  const int64_t length = x.dim(static_cast<int32_t>(axis));
  if (length < 0) return std::nullopt;
  return Axis{axis, length};
}

/// Equally spaced positions, one after the other: a Slice, which needs no indices and may be a view.
bool gather_is_slice(Rewriter& r, tenon_node n) {
  const auto axis = gather_axis(r, n);
  if (!axis || r.g.info(r.g.input(n, 1)).rank() != 1) return false;
  const auto at = positions(r, n, axis->length);
  if (!at || at->empty()) return false;
  const int64_t step = at->size() > 1 ? (*at)[1] - (*at)[0] : 1;
  if (step < 1) return false;
  for (size_t k = 1; k < at->size(); ++k)
    if ((*at)[k] - (*at)[k - 1] != step) return false;
  const auto count = static_cast<int64_t>(at->size());
  if (step == 1 && count == axis->length) return r.forward(n, r.g.input(n, 0));
  r.replace(n, {"Slice", slice_inputs(r, r.g.input(n, 0), {{axis->at, {at->front(), step, count}}})});
  return true;
}

bool gather_of_gather(Rewriter& r, tenon_node n) {
  const tenon_value x = r.g.input(n, 0);
  const tenon_node inner = r.made_by(x, "Gather");
  const auto outer_axis = inner ? gather_axis(r, n) : std::nullopt;
  const auto inner_axis = inner ? gather_axis(r, inner) : std::nullopt;
  if (!outer_axis || !inner_axis || !r.single_use(x)) return false;
  if (outer_axis->at != inner_axis->at || r.g.info(r.g.input(inner, 1)).rank() != 1) return false;
  const auto outer = positions(r, n, outer_axis->length), first = positions(r, inner, inner_axis->length);
  if (!outer || !first) return false;
  std::vector<int64_t> both;
  for (int64_t k : *outer) both.push_back((*first)[static_cast<size_t>(k)]);
  const Dims d = r.g.info(r.g.input(n, 1)).dims();
  const tenon_value indices = r.g.add_constant<int64_t>("", d, both.data());
  r.replace(n, {"Gather", {r.g.input(inner, 0), indices}, AttrList{}.set("axis", inner_axis->at), {inner}});
  return true;
}

/// A piece of a value along one axis, as a Slice takes it.
struct Piece {
  tenon_node node = 0;
  int64_t axis = 0, begin = 0, count = 0;
};
std::optional<Piece> piece(Rewriter& r, tenon_node n) {
  const auto all = ranges(r, n);
  if (!all || all->size() != 1 || all->begin()->second.step != 1 || !all->begin()->second.count) return std::nullopt;
  return Piece{n, all->begin()->first, all->begin()->second.begin, all->begin()->second.count};
}

/// Pieces from begin to end of the axis, in order, without a gap; empty when there are none.
std::vector<Piece> partition(Rewriter& r, tenon_node n, const Piece& own, int64_t length) {
  std::map<int64_t, Piece> by_begin;
  for (tenon_node u : r.g.uses(r.g.input(n, 0))) {
    if (!r.is(u, "Slice") || r.g.graph_of(u) != r.g.graph_of(n) || r.g.input(u, 0) != r.g.input(n, 0)) continue;
    const auto p = piece(r, u);
    if (p && p->axis == own.axis) by_begin.emplace(p->begin, *p);
  }
  std::vector<Piece> all;
  int64_t at = 0;
  while (at < length) {
    const auto it = by_begin.find(at);
    if (it == by_begin.end()) return {};
    all.push_back(it->second);
    at += it->second.count;
  }
  return at == length ? all : std::vector<Piece>{};
}

/// n stands before all other pieces of its value, so the Split takes its place.
bool split(Rewriter& r, tenon_node n) {
  const auto own = piece(r, n);
  if (!own) return false;
  const tenon_value x = r.g.input(n, 0);
  const auto all = partition(r, n, *own, r.g.info(x).dim(static_cast<int32_t>(own->axis)));
  if (all.size() < 2) return false;
  std::vector<int64_t> sizes;
  Graph::New d;
  for (const Piece& p : all) {
    sizes.push_back(p.count);
    d.origins.push_back(p.node);
    d.out_names.emplace_back();
  }
  const AttrList attrs = AttrList{}.set("axis", own->axis);
  d.op = Graph::op("Split");
  d.in = {x, r.g.add_ints("", sizes)};
  d.attrs = &attrs;
  d.before = n;
  d.name = std::string(r.g.name(n));
  const tenon_node fresh = r.g.add(d);
  for (size_t k = 0; k < all.size(); ++k) {
    const tenon_value out = r.g.output(fresh, k);
    r.g.copy_type(out, r.g.output(all[k].node));
    r.forward(all[k].node, out);
  }
  return true;
}

uint64_t splits(const Ctx& ctx, Graph& g) {
  Rewriter r(ctx, g, {});
  RewriteCount count(ctx);
  const tenon_op slice = Graph::op("Slice");
  uint64_t made = 0;
  for (tenon_node n : all_nodes(g)) {
    if (!g.alive(n) || g.op(n) != slice) continue;
    if (!count.may_rewrite(g.raw(), n, "slices-are-split")) break;
    if (!split(r, n)) continue;
    count.rewritten();
    ++made;
  }
  return made;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  const uint64_t merged = Rewriter(ctx, g,
                                   {{{"Slice"}, slice_of_slice, "slice-of-slice"},
                                    {{"Gather"}, gather_is_slice, "gather-is-slice"},
                                    {{"Gather"}, gather_of_gather, "gather-of-gather"}})
                              .run();
  return merged + splits(ctx, g);
}

}  // namespace

TENON_PASS("merge-slices",
           R"("class":"exact","summary":"merge Slices and Gathers in a row; a Gather of equally spaced positions is a Slice, Slices to pieces are a Split","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
