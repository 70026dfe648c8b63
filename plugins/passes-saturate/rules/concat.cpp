// SPDX-License-Identifier: Apache-2.0
// Parts and wholes along one axis: Concat, Split and Slice that undo or meet one another.
#include <algorithm>
#include <numeric>

#include "rule.hpp"

namespace tenon::saturate {
namespace {

int64_t axis_of(const EGraph& e, NodeId n, int32_t rank) {
  const int64_t a = e.operation_of_expression(n).i("axis", 0);
  return a < 0 ? a + rank : a;
}
std::vector<ClassId> children(const EGraph& e, NodeId n) {
  std::vector<ClassId> r;
  for (size_t k = 0; k < e.work_of(n).children.size(); ++k) r.push_back(e.child(n, k));
  return r;
}
/// Positions where the parts of a Concat begin, and its end; nothing when a size is not known.
std::optional<std::vector<int64_t>> borders(const EGraph& e, const std::vector<ClassId>& parts, int64_t axis) {
  std::vector<int64_t> r{0};
  for (ClassId c : parts) {
    const Type& t = e.type(c);
    if (axis >= t.rank || t.dims[static_cast<size_t>(axis)] < 0) return std::nullopt;
    r.push_back(r.back() + t.dims[static_cast<size_t>(axis)]);
  }
  return r;
}

/// A part of a whole that was made of just these parts.
void split_of_concat(Matcher& m, NodeId n) {
  const int32_t rank = m.e.type(m.e.child(n, 0)).rank;
  const int64_t axis = axis_of(m.e, n, rank);
  const WorkId w = m.e.expression(n).work;
  m.e.each(m.e.child(n, 0), "Concat", [&](NodeId whole) {
    const auto parts = children(m.e, whole);
    if (rank < 0 || axis_of(m.e, whole, rank) != axis || parts.size() != m.e.operation(w).n_outputs) return;
    bool same = true;
    std::vector<ClassId> outs;
    for (NodeId k = n; k < m.e.n_expressions() && m.e.expression(k).work == w; ++k) outs.push_back(m.e.expression(k).cls);
    same = outs.size() == parts.size();
    for (size_t k = 0; same && k < parts.size(); ++k) same = m.e.type(outs[k]) == m.e.type(parts[k]) && m.e.type(parts[k]).dims[static_cast<size_t>(axis)] >= 0;
    for (size_t k = 0; same && k < parts.size(); ++k) m.equal(outs[k], parts[k]);
  });
}
/// All parts of a whole, in order.
void concat_of_split(Matcher& m, NodeId n) {
  const auto parts = children(m.e, n);
  const ClassId out = m.e.expression(n).cls;
  if (parts.size() == 1) return m.equal(out, parts[0]);
  const int64_t axis = axis_of(m.e, n, m.e.type(out).rank);
  m.e.each(parts[0], "Split", [&](NodeId first) {
    const WorkId w = m.e.expression(first).work;
    const ClassId whole = m.e.child(first, 0);
    bool all = m.e.expression(first).output == 0 && m.e.operation(w).n_outputs == parts.size() && axis_of(m.e, first, m.e.type(whole).rank) == axis && m.e.type(whole) == m.e.type(out);
    for (size_t k = 0; all && k < parts.size(); ++k) {
      bool found = false;
      m.e.each(parts[k], "Split", [&](NodeId s) { found |= m.e.expression(s).work == w && m.e.expression(s).output == k; });
      all = found;
    }
    if (all) m.equal(out, whole);
  });
}
/// Concat of Concats along the same axis.
void flatten(Matcher& m, NodeId n) {
  const ClassId out = m.e.expression(n).cls;
  const int32_t rank = m.e.type(out).rank;
  const auto parts = children(m.e, n);
  for (size_t k = 0; rank >= 0 && k < parts.size(); ++k)
    m.e.each(parts[k], "Concat", [&](NodeId inner) {
      if (axis_of(m.e, inner, rank) != axis_of(m.e, n, rank)) return;
      std::vector<ClassId> all(parts.begin(), parts.begin() + static_cast<ptrdiff_t>(k));
      const auto more = children(m.e, inner);
      all.insert(all.end(), more.begin(), more.end());
      all.insert(all.end(), parts.begin() + static_cast<ptrdiff_t>(k) + 1, parts.end());
      m.equal(out, m.e.add(Operation("Concat").set("axis", axis_of(m.e, n, rank)), all, m.e.type(out), m.origins({n, inner})));
    });
}

struct Range {
  int64_t axis, start, end;
};
/// One axis, step 1, positions inside a known size.
std::optional<Range> range_of(const EGraph& e, NodeId n) {
  const Type& t = e.type(e.child(n, 0));
  const auto starts = e.ints(e.child(n, 1)), ends = e.ints(e.child(n, 2));
  const auto axes = e.child(n, 3) == kNoId ? std::optional(std::vector<int64_t>{0}) : e.ints(e.child(n, 3));
  const auto steps = e.child(n, 4) == kNoId ? std::optional(std::vector<int64_t>{1}) : e.ints(e.child(n, 4));
  if (!starts || !ends || !axes || !steps || starts->size() != 1 || ends->size() != 1 || axes->size() != 1 || steps->size() != 1 || steps->front() != 1) return std::nullopt;
  Range r{axes->front(), starts->front(), ends->front()};
  if (r.axis < 0) r.axis += t.rank;
  if (r.axis < 0 || r.axis >= t.rank || t.dims[static_cast<size_t>(r.axis)] < 0) return std::nullopt;
  const int64_t size = t.dims[static_cast<size_t>(r.axis)];
  auto inside = [&](int64_t p) { return std::clamp<int64_t>(p < 0 ? std::max(p, -size) + size : p, 0, size); };
  r.start = inside(r.start), r.end = inside(r.end);
  return r.start < r.end ? std::optional<Range>(r) : std::nullopt;
}
ClassId slice(Matcher& m, ClassId x, const Range& r, const std::vector<tenon_node>& origins) {
  Type t = m.e.type(x);
  int64_t& size = t.dims[static_cast<size_t>(r.axis)];
  if (r.start == 0 && r.end == size) return x;
  size = r.end - r.start;
  const ClassId starts = m.e.add_ints({r.start}), ends = m.e.add_ints({r.end}), axes = m.e.add_ints({r.axis});
  return m.e.add(Operation("Slice"), {x, starts, ends, axes}, t, origins);
}
void slice_of(Matcher& m, NodeId n) {
  const auto r = range_of(m.e, n);
  if (!r) return;
  const ClassId out = m.e.expression(n).cls, x = m.e.child(n, 0);
  if (m.e.type(x) == m.e.type(out)) m.equal(out, x);
  m.e.each(x, "Slice", [&](NodeId inner) {
    const auto first = range_of(m.e, inner);
    if (first && first->axis == r->axis) m.equal(out, slice(m, m.e.child(inner, 0), {r->axis, first->start + r->start, first->start + r->end}, m.origins({n, inner})));
  });
  m.e.each(x, "Concat", [&](NodeId whole) {
    const auto parts = children(m.e, whole);
    const auto at = axis_of(m.e, whole, m.e.type(x).rank) == r->axis ? borders(m.e, parts, r->axis) : std::nullopt;
    for (size_t k = 0; at && k < parts.size(); ++k)
      if ((*at)[k] <= r->start && r->end <= (*at)[k + 1]) return m.equal(out, slice(m, parts[k], {r->axis, r->start - (*at)[k], r->end - (*at)[k]}, m.origins({n, whole})));
  });
  m.e.each(x, "Split", [&](NodeId part) {
    const int64_t axis = axis_of(m.e, part, m.e.type(x).rank);
    const WorkId w = m.e.expression(part).work;
    if (axis != r->axis) return;
    int64_t before = 0;
    for (NodeId k = part - m.e.expression(part).output; k < part; ++k) {
      if (m.e.expression(k).work != w || m.e.type(m.e.expression(k).cls).dims[static_cast<size_t>(axis)] < 0) return;
      before += m.e.type(m.e.expression(k).cls).dims[static_cast<size_t>(axis)];
    }
    m.equal(out, slice(m, m.e.child(part, 0), {axis, before + r->start, before + r->end}, m.origins({n, part})));
  });
}

/// f of all parts is all parts of f.
void unary_of_concat(Matcher& m, NodeId n) {
  const Operation f = m.e.operation_of_expression(n);
  const ClassId out = m.e.expression(n).cls;
  if (m.e.work_of(n).children.size() != 1) return;
  m.e.each(m.e.child(n, 0), "Concat", [&](NodeId whole) {
    const Operation concat = m.e.operation_of_expression(whole);
    std::vector<ClassId> parts;
    for (ClassId c : children(m.e, whole)) {
      Type t = m.e.type(c);
      t.dtype = m.e.type(out).dtype;
      parts.push_back(m.e.add(f, {c}, t, m.origins({n})));
    }
    m.equal(out, m.e.add(concat, parts, m.e.type(out), m.origins({whole})));
  });
}
void concat_of_unary(Matcher& m, NodeId n) {
  const Operation concat = m.e.operation_of_expression(n);
  const ClassId out = m.e.expression(n).cls;
  const auto parts = children(m.e, n);
  if (parts.size() < 2) return;
  for (std::string_view name : kUnary)
    m.e.each(parts[0], name, [&](NodeId first) {
      const Operation f = m.e.operation_of_expression(first);
      const std::string key = f.key();
      std::vector<ClassId> inner;
      std::vector<NodeId> from{n};
      for (ClassId c : parts) {
        NodeId found = kNoId;
        m.e.each(c, name, [&](NodeId k) {
          if (found == kNoId && m.e.work_of(k).children.size() == 1 && m.e.operation_of_expression(k).key() == key) found = k;
        });
        if (found == kNoId) return;
        inner.push_back(m.e.child(found, 0));
        from.push_back(found);
      }
      Type t = m.e.type(out);
      t.dtype = m.e.type(inner[0]).dtype;
      for (ClassId c : inner)
        if (!(m.e.type(c).dtype == t.dtype)) return;
      const auto origins = m.origins(from);
      const ClassId whole = m.e.add(concat, inner, t, origins);
      m.equal(out, m.e.add(f, {whole}, m.e.type(out), origins));
    });
}

}  // namespace

void register_concat(RuleTable& t) {
  t.add({"split-of-concat", true, {"Split"}, split_of_concat});
  t.add({"concat-of-split", true, {"Concat"}, concat_of_split});
  t.add({"concat-of-concat", true, {"Concat"}, flatten});
  t.add({"slice-of-part", true, {"Slice"}, slice_of});
  t.add({"unary-of-concat", true, {std::begin(kUnary), std::end(kUnary)}, unary_of_concat});
  t.add({"concat-of-unary", true, {"Concat"}, concat_of_unary});
}

}  // namespace tenon::saturate
