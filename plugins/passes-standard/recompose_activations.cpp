// SPDX-License-Identifier: Apache-2.0
// recompose-activations: activations that were exported as their formula become one operator again. A product is matched whatever the
// order and the grouping in which it was written.
//   Sigmoid 1 / (1 + exp(-x)); Softplus log(exp(x) + 1); HardSigmoid clip(x + b, 0, m) / m; Relu max(x, 0); LeakyRelu max(x, a x)
//   Swish x sigmoid(a x); HardSwish x clip(x + 3, 0, 6) / 6; Gelu x (1 + erf(x / sqrt 2)) / 2 and its tanh form
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

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g,
                  {{{"Mul", "Div"}, gated},
                   {{"Mul", "Div"}, hard_sigmoid},
                   {{"Div", "Reciprocal"}, sigmoid},
                   {{"Log"}, softplus},
                   {{"Maximum"}, maximum},
                   {{"Clip"}, clip_is_relu},
                   {{"PRelu"}, prelu}})
      .run();
}

}  // namespace

TENON_PASS("recompose-activations",
           R"("class":"reassociating","summary":"recognize Gelu, Swish, HardSwish, HardSigmoid, Sigmoid, Softplus, Relu and LeakyRelu written as formulas","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
