// SPDX-License-Identifier: Apache-2.0
// simplify-arithmetic: scalar factors and offsets in a row become one, in double and rounded once; larger constants are combined by a
// node of their own, which fold-constants computes. x + 0 is dropped here, since it turns -0 into +0.
#include <tenon/plugin.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/factors.hpp"
#include <tenon/rewriter.hpp>

namespace tenon::passes {
namespace {

bool single(Rewriter& r, tenon_node n) { return r.g.info(r.g.output(n)).type() == dt::f32; }
bool representable(double x) { return std::isfinite(static_cast<float>(x)) && (x == 0 || std::fabs(x) >= 1.2e-38); }

bool power_of_two(double x) {
  int exponent = 0;
  return std::fabs(std::frexp(x, &exponent)) == 0.5;
}

/// A Mul, Div or Neg of a Mul, Div or Neg by scalars that nobody else uses; alone, a Div that is a Mul with the same bits.
bool scale(Rewriter& r, tenon_node n) {
  if (!single(r, n)) return false;
  const Product p = product(r, r.g.output(n));
  if (p.factors.size() != 1 || p.nodes.empty() || !representable(p.coefficient)) return false;
  const tenon_value x = p.factors[0];
  if (!same_type(r.g.info(x), r.g.info(r.g.output(n)))) return false;
  if (p.nodes.size() == 1 && !(r.is(n, "Div") && power_of_two(p.coefficient))) return false;
  if (p.coefficient == 1) return r.forward(n, x);
  std::vector<tenon_node> rest;
  for (tenon_node m : p.nodes)
    if (m != n) rest.push_back(m);
  r.replace(n, {"Mul", {x, make_scalar(r.g, dt::f32, p.coefficient)}, {}, rest});
  return true;
}

/// (x + a) + b, and x + 0.
bool shift(Rewriter& r, tenon_node n) {
  if (!single(r, n)) return false;
  const auto outer = sum_with_constant(r, r.g.output(n));
  if (!outer || !same_type(r.g.info(outer->term), r.g.info(r.g.output(n)))) return false;
  if (outer->constant == 0) return r.forward(n, outer->term);
  const auto inner = r.single_use(outer->term) ? sum_with_constant(r, outer->term) : std::nullopt;
  if (!inner || !same_type(r.g.info(inner->term), r.g.info(r.g.output(n))) || !representable(outer->constant + inner->constant)) return false;
  r.replace(n, {"Add", {inner->term, make_scalar(r.g, dt::f32, outer->constant + inner->constant)}, {}, {inner->node}});
  return true;
}

/// (x * c) * d = x * (c * d), and so for sums, where the combined constant is no larger than the larger of the two.
bool associate(Rewriter& r, tenon_node n) {
  if (!single(r, n)) return false;
  const std::string op(Graph::op_name(r.g.op(n)).name);
  for (uint64_t k : {0u, 1u}) {
    const tenon_value y = r.g.input(n, k), d = r.g.input(n, 1 - k);
    const tenon_node inner = r.made_by(y, op);
    if (!inner || !r.single_use(y) || !r.g.is_constant(d)) continue;
    for (uint64_t j : {0u, 1u}) {
      const tenon_value x = r.g.input(inner, j), c = r.g.input(inner, 1 - j);
      if (!r.g.is_constant(c) || r.g.is_constant(x)) continue;
      const auto combined = broadcast_dims(r.g.info(c), r.g.info(d));
      if (!combined || count_of(combined->data(), static_cast<int32_t>(combined->size())) > std::max(r.g.info(c).count(), r.g.info(d).count())) continue;
      const tenon_value both = r.emit(n, op, {c, d});
      r.g.set_type(both, dt::f32, *combined);
      r.replace(n, {op, {x, both}, {}, {inner}});
      return true;
    }
  }
  return false;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g, {{{"Mul", "Div", "Neg"}, scale}, {{"Add", "Sub"}, shift}, {{"Mul", "Add"}, associate}}).run();
}

}  // namespace

TENON_PASS("simplify-arithmetic",
           R"("class":"reassociating","summary":"merge constant factors and constant offsets in a row; drop x + 0","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
