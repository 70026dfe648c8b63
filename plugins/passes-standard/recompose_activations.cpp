// SPDX-License-Identifier: Apache-2.0
// recompose-activations: activations that were exported as their formula become one operator again. A product is matched whatever the
// order and the grouping in which it was written.
//   Sigmoid 1 / (1 + exp(-x)); Softplus log(exp(x) + 1); HardSigmoid clip(x + b, 0, m) / m; Relu max(x, 0); LeakyRelu max(x, a x)
//   Swish x sigmoid(a x); HardSwish x clip(x + 3, 0, 6) / 6; Gelu x (1 + erf(x / sqrt 2)) / 2 and its tanh form
//   PRelu max(x, 0) + a min(x, 0), with the minimum as -max(-x, 0) or (x - |x|) / 2 too; Elu max(x, 0) + min(a (exp(x) - 1), 0)
//   LeakyRelu, PRelu and Elu also as a Where by the sign of x; Mish x n / (n + 2) with n = exp(x) (exp(x) + 2) is x tanh(softplus(x))
#include <tenon/pattern.hpp>
#include <tenon/plugin.hpp>

#include <algorithm>
#include <numbers>

#include "common/constants.hpp"
#include "common/factors.hpp"
#include <tenon/rewriter.hpp>

namespace tenon::passes {
namespace {

using Nodes = std::vector<tenon_node>;

bool floating(Rewriter& r, tenon_node n) { return is_float(r.g.info(r.g.output(n)).type()); }

/// v = clip(term + constant, 0, high)
struct Ramp {
  tenon_value term = 0;
  double constant = 0, high = 0;
  Nodes nodes;
};
std::optional<Ramp> ramp(Rewriter& r, tenon_value v) {
  const tenon_node clip = r.made_by(v, "Clip");
  if (!clip || scalar(r.g, r.g.input(clip, 1)) != 0.0) return std::nullopt;
  const auto high = scalar(r.g, r.g.input(clip, 2));
  const auto sum = sum_with_constant(r, r.g.input(clip, 0));
  if (!high || !sum || *high <= 0) return std::nullopt;
  return Ramp{sum->term, sum->constant, *high, {clip, sum->node}};
}

/// A factor that, times x, makes an activation of x; `coefficient` is what the whole product must have.
struct Gate {
  const char* op;
  AttrList attrs;
  double coefficient;
};

/// tanh(sqrt(2/pi) (x + 0.044715 x^3)), also as x (k + k c x^2)
bool is_gelu_tanh_argument(Rewriter& r, tenon_value v, tenon_value x, Nodes* nodes) {
  const Product outer = product(r, v);
  if (!close(outer.coefficient, std::sqrt(2 * std::numbers::inv_pi))) return false;
  nodes->insert(nodes->end(), outer.nodes.begin(), outer.nodes.end());
  auto cube = [&](tenon_value t, size_t power) {
    const Product p = product(r, t);
    nodes->insert(nodes->end(), p.nodes.begin(), p.nodes.end());
    return close(p.coefficient, 0.044715) && p.factors.size() == power && std::all_of(p.factors.begin(), p.factors.end(), [&](tenon_value f) { return f == x; });
  };
  if (outer.factors.size() == 1) {
    const tenon_node add = r.made_by(outer.factors[0], "Add");
    if (!add) return false;
    nodes->push_back(add);
    const tenon_value a = r.g.input(add, 0), b = r.g.input(add, 1);
    return (a == x && cube(b, 3)) || (b == x && cube(a, 3));
  }
  if (outer.factors.size() != 2) return false;
  const tenon_value rest = outer.factors[0] == x ? outer.factors[1] : outer.factors[0];
  const auto sum = sum_with_constant(r, rest);
  if ((outer.factors[0] != x && outer.factors[1] != x) || !sum || sum->constant != 1) return false;
  nodes->push_back(sum->node);
  return cube(sum->term, 2);
}

std::optional<Gate> gelu_gate(Rewriter& r, tenon_value f, tenon_value x, Nodes* nodes) {
  const auto sum = sum_with_constant(r, f);
  if (!sum || sum->constant != 1) return std::nullopt;
  nodes->push_back(sum->node);
  if (const tenon_node erf = r.made_by(sum->term, "Erf")) {
    nodes->push_back(erf);
    const auto k = multiple_of(r, r.g.input(erf, 0), x, nodes);
    if (k && close(*k, std::numbers::sqrt2 / 2)) return Gate{"Gelu", AttrList{}.set("approximate", "none"), 0.5};
  }
  if (const tenon_node tanh = r.made_by(sum->term, "Tanh")) {
    nodes->push_back(tanh);
    if (is_gelu_tanh_argument(r, r.g.input(tanh, 0), x, nodes)) return Gate{"Gelu", AttrList{}.set("approximate", "tanh"), 0.5};
  }
  return std::nullopt;
}

std::optional<Gate> gate(Rewriter& r, tenon_value f, tenon_value x, Nodes* nodes) {
  if (const tenon_node n = r.made_by(f, "Sigmoid")) {
    nodes->push_back(n);
    const auto k = multiple_of(r, r.g.input(n, 0), x, nodes);
    if (k) return Gate{"Swish", AttrList{}.set("alpha", *k), 1};
    return std::nullopt;
  }
  if (const tenon_node n = r.made_by(f, "HardSigmoid")) {
    const Attrs a = r.g.attrs(n);
    nodes->push_back(n);
    if (r.g.input(n, 0) == x && close(a.f("alpha", 0.2), 1.0 / 6) && close(a.f("beta", 0.5), 0.5)) return Gate{"HardSwish", {}, 1};
    return std::nullopt;
  }
  if (const auto c = ramp(r, f)) {
    nodes->insert(nodes->end(), c->nodes.begin(), c->nodes.end());
    if (c->term == x && close(c->constant, 3) && close(c->high, 6)) return Gate{"HardSwish", {}, 1.0 / 6};
    return std::nullopt;
  }
  return gelu_gate(r, f, x, nodes);
}

/// x times a gate of x.
bool gated(Rewriter& r, tenon_node n) {
  if (!floating(r, n)) return false;
  const Product p = product(r, r.g.output(n));
  if (p.factors.size() != 2) return false;
  for (size_t k : {size_t{0}, size_t{1}}) {
    const tenon_value x = p.factors[k];
    Nodes nodes = p.nodes;
    auto found = gate(r, p.factors[1 - k], x, &nodes);
    if (!found || !close(p.coefficient, found->coefficient) || !same_type(r.g.info(x), r.g.info(r.g.output(n)))) continue;
    std::erase(nodes, n);
    r.replace(n, {found->op, {x}, std::move(found->attrs), nodes});
    return true;
  }
  return false;
}

/// clip(x + b, 0, m) / m
bool hard_sigmoid(Rewriter& r, tenon_node n) {
  if (!floating(r, n)) return false;
  const Product p = product(r, r.g.output(n));
  if (p.factors.size() != 1) return false;
  const auto c = ramp(r, p.factors[0]);
  if (!c || !r.single_use(p.factors[0]) || !close(p.coefficient, 1 / c->high)) return false;
  Nodes nodes = p.nodes;
  std::erase(nodes, n);
  nodes.insert(nodes.end(), c->nodes.begin(), c->nodes.end());
  r.replace(n, {"HardSigmoid", {c->term}, AttrList{}.set("alpha", 1 / c->high).set("beta", c->constant / c->high), nodes});
  return true;
}

/// x of exp(sign * x) + 1
std::optional<tenon_value> one_plus_exp(Rewriter& r, tenon_value v, bool negative, Nodes* nodes) {
  const auto sum = sum_with_constant(r, v);
  if (!sum || sum->constant != 1) return std::nullopt;
  const tenon_node exp = r.made_by(sum->term, "Exp");
  if (!exp) return std::nullopt;
  nodes->insert(nodes->end(), {sum->node, exp});
  if (!negative) return r.g.input(exp, 0);
  const tenon_node neg = r.made_by(r.g.input(exp, 0), "Neg");
  if (!neg) return std::nullopt;
  nodes->push_back(neg);
  return r.g.input(neg, 0);
}

bool sigmoid(Rewriter& r, tenon_node n) {
  const bool divides = r.is(n, "Div");
  if (!floating(r, n) || (divides && scalar(r.g, r.g.input(n, 0)) != 1.0)) return false;
  Nodes nodes;
  const auto x = one_plus_exp(r, r.g.input(n, divides ? 1 : 0), true, &nodes);
  if (!x || !same_type(r.g.info(*x), r.g.info(r.g.output(n)))) return false;
  r.replace(n, {"Sigmoid", {*x}, {}, nodes});
  return true;
}

bool softplus(Rewriter& r, tenon_node n) {
  Nodes nodes;
  const auto x = floating(r, n) ? one_plus_exp(r, r.g.input(n, 0), false, &nodes) : std::nullopt;
  if (!x) return false;
  r.replace(n, {"Softplus", {*x}, {}, nodes});
  return true;
}

bool maximum(Rewriter& r, tenon_node n) {
  if (!floating(r, n)) return false;
  for (uint64_t k : {0u, 1u}) {
    const tenon_value x = r.g.input(n, k), y = r.g.input(n, 1 - k);
    if (r.g.is_constant(x) || !same_type(r.g.info(x), r.g.info(r.g.output(n)))) continue;
    if (scalar(r.g, y) == 0.0) {
      r.replace(n, {"Relu", {x}});
      return true;
    }
    Nodes nodes;
    const auto slope = r.g.is_constant(y) || x == y ? std::nullopt : multiple_of(r, y, x, &nodes);
    if (!slope || *slope < 0 || *slope >= 1) continue;
    r.replace(n, {"LeakyRelu", {x}, AttrList{}.set("alpha", *slope), nodes});
    return true;
  }
  return false;
}

bool clip_is_relu(Rewriter& r, tenon_node n) {
  const tenon_value high = r.g.input(n, 2);
  if (!floating(r, n) || scalar(r.g, r.g.input(n, 1)) != 0.0 || (high && scalar(r.g, high) != HUGE_VAL)) return false;
  r.replace(n, {"Relu", {r.g.input(n, 0)}});
  return true;
}

bool prelu(Rewriter& r, tenon_node n) {
  const auto slope = scalar(r.g, r.g.input(n, 1));
  if (!slope || !floating(r, n) || !same_type(r.g.info(r.g.input(n, 0)), r.g.info(r.g.output(n)))) return false;
  r.replace(n, {"LeakyRelu", {r.g.input(n, 0)}, AttrList{}.set("alpha", *slope)});
  return true;
}

/// clip(a x + b, 0, 1)
bool clipped_line(Rewriter& r, tenon_node n) {
  const auto c = floating(r, n) ? ramp(r, r.g.output(n)) : std::nullopt;
  if (!c || c->high != 1 || !r.single_use(r.g.input(n, 0))) return false;
  const Product p = product(r, c->term);
  if (p.nodes.empty() || p.factors.size() != 1 || !r.single_use(c->term) || !same_type(r.g.info(p.factors[0]), r.g.info(r.g.output(n)))) return false;
  Nodes nodes = p.nodes;
  nodes.insert(nodes.end(), c->nodes.begin() + 1, c->nodes.end());
  r.replace(n, {"HardSigmoid", {p.factors[0]}, AttrList{}.set("alpha", p.coefficient).set("beta", c->constant), nodes});
  return true;
}

using namespace pattern;

/// Formulas in which x is more than a factor.
struct Curves {
  Pattern x = any(), slope = any().constant(), zero = number(0, 0);
  Pattern positive = op("Relu", {x});
  Pattern power = op("Exp", {x}), less_one = either({op("Sub", {power, number(1, 0)}), sum(power, number(-1, 0))}).once();
  Pattern alpha = number();
  /// alpha (exp(x) - 1)
  Pattern bow = either({product(less_one, alpha).once(), less_one});

  Pattern times_slope(const Pattern& t) const { return product(t, slope).once(); }
  /// x > 0 chooses between x and another value.
  std::vector<Pattern> by_sign(const Pattern& below) const {
    return {op("Where", {op({"Greater", "GreaterEqual"}, {x, zero}).once(), x, below}), op("Where", {op({"Less", "LessEqual"}, {x, zero}).once(), below, x})};
  }
  bool shapes_agree(Rewriter& r, const Match& m) const {
    const ValueInfo y = r.g.info(r.g.output(m.root()));
    return is_float(y.type()) && same_type(r.g.info(m[x]), y);
  }
};
const Curves& curves() {
  static const Curves c;
  return c;
}

/// The slope below zero, times `sign`, as LeakyRelu or PRelu of x. Nothing where it is not finite or widens x.
std::optional<Rewriter::Replacement> sloped(Rewriter& r, const Match& m, double sign) {
  const Curves& c = curves();
  const ValueInfo x = r.g.info(m[c.x]), s = r.g.info(m[c.slope]);
  const auto wide = broadcast_dims(x, s);
  auto values = floats(r.g, m[c.slope]);
  if (!c.shapes_agree(r, m) || s.type() != x.type() || !wide || *wide != x.dims().vec() || s.rank() > x.rank() || !values || values->empty()) return std::nullopt;
  if (!std::all_of(values->begin(), values->end(), [](double v) { return std::isfinite(v); })) return std::nullopt;
  if (values->size() == 1) return Rewriter::Replacement{"LeakyRelu", {m[c.x]}, AttrList{}.set("alpha", sign * values->front())};
  if (sign == 1) return Rewriter::Replacement{"PRelu", {m[c.x], m[c.slope]}};
  for (double& v : *values) v *= sign;
  const std::vector<float> scaled(values->begin(), values->end());
  return Rewriter::Replacement{"PRelu", {m[c.x], r.g.add_constant<float>("", s.dims(), scaled.data())}};
}

bool replace_matched(Rewriter& r, const Match& m, std::optional<Rewriter::Replacement> by) {
  if (!by) return false;
  by->absorbed = m.absorbed();
  r.replace(m.root(), std::move(*by));
  return true;
}

/// Forms of max(x, 0) + slope min(x, 0), each with the factor that its slope has.
bool two_slopes(Rewriter& r, tenon_node n) {
  static const auto forms = [] {
    const Curves& c = curves();
    const Pattern mirrored = op("Relu", {op("Neg", {c.x}).once()}).once(), gap = op("Sub", {c.x, op("Abs", {c.x}).once()}).once();
    const Pattern low = either({op("Minimum", {c.x, c.zero}), op("Minimum", {c.zero, c.x}), op("Clip", {c.x, absent(), c.zero})}).once();
    const Pattern half = either({times(c.times_slope(gap), 0.5), product(times(gap, 0.5).once(), c.slope)}).once();
    return std::vector<std::pair<Pattern, double>>{{sum(c.positive, c.times_slope(low)), 1},
                                                   {sum(c.positive, c.times_slope(mirrored)), -1},
                                                   {op("Sub", {c.positive, c.times_slope(mirrored)}), 1},
                                                   {sum(c.positive, op("Neg", {c.times_slope(mirrored)}).once()), 1},
                                                   {sum(c.positive, half), 1}};
  }();
  for (const auto& [form, sign] : forms)
    if (const auto m = match(r.g, form, n); m && replace_matched(r, *m, sloped(r, *m, sign))) return true;
  return false;
}

std::optional<Rewriter::Replacement> elu(Rewriter& r, const Match& m, bool only_positive) {
  const Curves& c = curves();
  const double alpha = m.value_of(c.alpha).value_or(1);
  if (!c.shapes_agree(r, m) || !std::isfinite(alpha) || (only_positive && alpha <= 0)) return std::nullopt;
  return Rewriter::Replacement{"Elu", {m[c.x]}, AttrList{}.set("alpha", alpha)};
}

bool choice_by_sign(Rewriter& r, tenon_node n) {
  static const std::vector<Pattern> line = curves().by_sign(curves().times_slope(curves().x)), bow = curves().by_sign(curves().bow);
  for (const Pattern& form : line)
    if (const auto m = match(r.g, form, n); m && replace_matched(r, *m, sloped(r, *m, 1))) return true;
  for (const Pattern& form : bow)
    if (const auto m = match(r.g, form, n); m && replace_matched(r, *m, elu(r, *m, false))) return true;
  return false;
}

/// max(x, 0) + min(alpha (exp(x) - 1), 0): the minimum is 0 where x is positive, if alpha is.
bool elu_of_parts(Rewriter& r, tenon_node n) {
  static const Pattern root = [] {
    const Curves& c = curves();
    return sum(c.positive, either({op("Minimum", {c.bow, c.zero}), op("Minimum", {c.zero, c.bow}), op("Clip", {c.bow, absent(), c.zero})}).once());
  }();
  const auto m = match(r.g, root, n);
  return m && replace_matched(r, *m, elu(r, *m, true));
}

/// max(x, 0) + log(1 + exp(-|x|)), which does not overflow; the logarithm is one of softplus by itself.
bool stable_softplus(Rewriter& r, tenon_node n) {
  static const Pattern root = sum(curves().positive, op("Softplus", {op("Neg", {op("Abs", {curves().x}).once()}).once()}).once());
  const auto m = match(r.g, root, n);
  if (!m || !curves().shapes_agree(r, *m)) return false;
  return replace_matched(r, *m, Rewriter::Replacement{"Softplus", {(*m)[curves().x]}});
}

/// tanh(log(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2)
bool mish(Rewriter& r, tenon_node n) {
  static const std::vector<Pattern> forms = [] {
    const Curves& c = curves();
    const Pattern two = number(2, 0);
    Pattern top = either({product(c.power, sum(c.power, two).once()), sum(squared(c.power).once(), product(c.power, two).once())});
    top.where([](const Graph& g, tenon_value v) { return g.info(v).n_uses() == 2; });
    const Pattern bottom = sum(top, two).once();
    return std::vector<Pattern>{product(c.x, op("Div", {top, bottom}).once()), op("Div", {product(c.x, top).once(), bottom})};
  }();
  for (const Pattern& form : forms) {
    const auto m = match(r.g, form, n);
    if (!m || !curves().shapes_agree(r, *m)) continue;
    const tenon_value x = (*m)[curves().x], soft = r.emit(n, "Softplus", {x});
    r.g.copy_type(soft, x);
    const tenon_value gate = r.emit(n, "Tanh", {soft});
    r.g.copy_type(gate, x);
    return replace_matched(r, *m, Rewriter::Replacement{"Mul", {x, gate}});
  }
  return false;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g,
                  {{{"Mul", "Div"}, gated},
                   {{"Mul", "Div"}, hard_sigmoid},
                   {{"Div", "Reciprocal"}, sigmoid},
                   {{"Log"}, softplus},
                   {{"Maximum"}, maximum},
                   {{"Clip"}, clip_is_relu},
                   {{"Clip"}, clipped_line, "clipped-line", Measure::nodes()},
                   {{"PRelu"}, prelu},
                   {{"Add", "Sub"}, two_slopes, "two-slopes", Measure::nodes()},
                   {{"Where"}, choice_by_sign, "choice-by-sign", Measure::nodes()},
                   {{"Add"}, elu_of_parts, "elu", Measure::nodes()},
                   {{"Add"}, stable_softplus, "softplus", Measure::nodes()},
                   {{"Mul", "Div"}, mish, "mish", Measure::nodes()}})
      .run();
}

}  // namespace

TENON_PASS("recompose-activations",
           R"("class":"reassociating","summary":"recognize Gelu, Swish, HardSwish, HardSigmoid, Sigmoid, Softplus, Mish, Elu, Relu, LeakyRelu and PRelu written as formulas","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
