// SPDX-License-Identifier: Apache-2.0
// merge-pads: a Pad with the same constant after another one is one Pad; zeros before an AveragePool are the pool's own padding, and so is
// the least element of the type before a MaxPool, since it never wins.
#include <tenon/plugin.hpp>
#include <tenon/rewriter.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

/// Elements added before and after each axis by a Pad with a constant.
struct Padding {
  std::vector<int64_t> begin, end;
  tenon_value constant = 0;  ///< 0: zero
};
std::optional<Padding> padding(const Rewriter& r, tenon_node n) {
  const int32_t rank = r.g.info(r.g.input(n, 0)).rank();
  const auto pads = ints(r.g, r.g.input(n, 1));
  if (rank < 1 || !pads || r.g.attrs(n).s("mode", "constant") != "constant") return std::nullopt;
  std::vector<int64_t> axes;
  if (const tenon_value v = r.g.input(n, 3)) {
    const auto given = ints(r.g, v);
    if (!given) return std::nullopt;
    for (int64_t a : *given) axes.push_back(axis_of(a, rank));
  } else {
    for (int64_t k = 0; k < rank; ++k) axes.push_back(k);
  }
  if (pads->size() != 2 * axes.size()) return std::nullopt;
  const auto size = static_cast<size_t>(rank);
  Padding p{std::vector<int64_t>(size, 0), std::vector<int64_t>(size, 0), r.g.input(n, 2)};
  for (size_t k = 0; k < axes.size(); ++k) {
    const int64_t b = (*pads)[k], e = (*pads)[axes.size() + k];
    if (b < 0 || e < 0) return std::nullopt;  // elements that are cut off do not come back
    p.begin[static_cast<size_t>(axes[k])] += b;
    p.end[static_cast<size_t>(axes[k])] += e;
  }
  return p;
}

bool is_zero(const Rewriter& r, tenon_value v) {
  if (!v) return true;
  const auto s = scalar(r.g, v);
  return s && *s == 0 && !std::signbit(*s);
}

bool pads(Rewriter& r, tenon_node n) {
  const tenon_node inner = r.made_by(r.g.input(n, 0), "Pad");
  if (!inner || !r.single_use(r.g.input(n, 0))) return false;
  const auto first = padding(r, inner);
  auto second = padding(r, n);
  if (!first || !second) return false;
  const bool same = same_constant(r.g, first->constant, second->constant) || (is_zero(r, first->constant) && is_zero(r, second->constant));
  if (!same) return false;
  std::vector<int64_t> all;
  for (size_t k = 0; k < first->begin.size(); ++k) all.push_back(first->begin[k] + second->begin[k]);
  for (size_t k = 0; k < first->end.size(); ++k) all.push_back(first->end[k] + second->end[k]);
  std::vector<tenon_value> in = {r.g.input(inner, 0), r.g.add_ints("", all)};
  if (first->constant) in.push_back(first->constant);
  r.replace(n, {"Pad", std::move(in), AttrList{}.set("mode", "constant"), {inner}});
  return true;
}

/// What a pool pads by itself once it does the work of the Pad before it; nothing when it cannot.
struct PooledPad {
  tenon_node pad = 0;
  tenon_value constant = 0;
  std::vector<int64_t> pads;
  bool padded = false;  ///< the pool had padding of its own
};
std::optional<PooledPad> pooled_pad(const Rewriter& r, tenon_node pool) {
  const tenon_value x = r.g.input(pool, 0);
  const tenon_node pad = r.made_by(x, "Pad");
  const auto p = pad && r.single_use(x) ? padding(r, pad) : std::nullopt;
  const Attrs a = r.g.attrs(pool);
  const auto kernel = a.ints("kernel_shape");
  auto own = a.ints("pads", std::vector<int64_t>(2 * kernel.size(), 0));
  if (!p || a.i("ceil_mode") || a.s("auto_pad", "NOTSET") != "NOTSET") return std::nullopt;
  if (own.size() != 2 * kernel.size() || p->begin.size() != kernel.size() + 2) return std::nullopt;
  const bool padded = std::any_of(own.begin(), own.end(), [](int64_t v) { return v != 0; });
  for (size_t k = 0; k < 2; ++k)
    if (p->begin[k] || p->end[k]) return std::nullopt;
  for (size_t k = 0; k < kernel.size(); ++k) {
    own[k] += p->begin[k + 2];
    own[kernel.size() + k] += p->end[k + 2];
    if (own[k] >= kernel[k] || own[kernel.size() + k] >= kernel[k]) return std::nullopt;  // a window may not lie in the padding alone
  }
  return PooledPad{pad, p->constant, std::move(own), padded};
}

void take_pads(Rewriter& r, tenon_node pool, const PooledPad& p, bool count_padding) {
  AttrList attrs;
  attrs.add("pads", p.pads);
  if (count_padding) attrs.add("count_include_pad", 1);
  r.g.set_attrs(pool, attrs);
  r.set_inputs(pool, {r.g.input(p.pad, 0)}, {p.pad});
}

/// Every window is divided by its whole size, as it was when the zeros were elements.
bool average(Rewriter& r, tenon_node pool) {
  const auto p = pooled_pad(r, pool);
  if (!p || !is_zero(r, p->constant) || (p->padded && !r.g.attrs(pool).i("count_include_pad"))) return false;
  take_pads(r, pool, *p, true);
  return true;
}

/// No element of type t is less than x. A finite number is not the least float, for -infinity is less. 64 bits do not fit in a double.
bool is_least(tenon_dtype t, double x) {
  if (is_float(t)) return x == -HUGE_VAL;
  if (t == dt::boolean || !is_int(t) || t.bits > 32) return false;
  return x == (t.code == TENON_DT_UINT ? 0.0 : -std::ldexp(1.0, static_cast<int>(t.bits) - 1));
}

/// Positions of the largest elements count the padding when that is part of the input.
bool largest(Rewriter& r, tenon_node pool) {
  const auto p = r.one_output(pool) ? pooled_pad(r, pool) : std::nullopt;
  if (!p) return false;
  const auto constant = p->constant ? scalar(r.g, p->constant) : 0.0;
  if (!constant || !is_least(r.g.info(r.g.input(pool, 0)).type(), *constant)) return false;
  take_pads(r, pool, *p, false);
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g, {{{"Pad"}, pads, "pads", Measure::nodes()}, {{"AveragePool"}, average, "average", Measure::nodes()}, {{"MaxPool"}, largest, "largest", Measure::nodes()}}).run();
}

}  // namespace

TENON_PASS("merge-pads",
           R"("class":"exact","summary":"merge Pads in a row; zeros before an AveragePool, and the least element before a MaxPool, become its padding","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
