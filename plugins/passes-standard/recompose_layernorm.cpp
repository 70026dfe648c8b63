// SPDX-License-Identifier: Apache-2.0
// recompose-layernorm: normalizations that were exported as their formula become one operator again.
//   (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) over the last axes is LayerNormalization, x / sqrt(mean(x^2) + epsilon)
//   times a scale is RMSNormalization; a scale and a bias that follow are taken in where their shapes allow. Reshape to groups,
//   InstanceNormalization, Reshape back is GroupNormalization.
#include <tenon/plugin.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/factors.hpp"
#include <tenon/rewriter.hpp>
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

using Nodes = std::vector<tenon_node>;

/// v = mean of term over the axes from `axis` on, kept as 1.
struct Mean {
  tenon_value term = 0;
  int64_t axis = 0;
  tenon_node node = 0;
};
std::optional<Mean> mean(Rewriter& r, tenon_value v) {
  const tenon_node n = r.made_by(v, "ReduceMean");
  if (!n || !r.g.attrs(n).i("keepdims", 1)) return std::nullopt;
  const tenon_value x = r.g.input(n, 0);
  const int32_t rank = r.g.info(x).rank();
  auto axes = ints(r.g, r.g.input(n, 1));
  if (!axes || rank < 1 || axes->empty()) return std::nullopt;
  for (int64_t& a : *axes) a = axis_of(a, rank);
  std::sort(axes->begin(), axes->end());
  for (size_t k = 0; k < axes->size(); ++k)
    if ((*axes)[k] != rank - static_cast<int64_t>(axes->size() - k)) return std::nullopt;
  return Mean{x, axes->front(), n};
}

/// v = t^2
tenon_value square_root_of_product(Rewriter& r, tenon_value v, Nodes* nodes) {
  const Product p = product(r, v);
  if (p.coefficient != 1 || p.factors.size() != 2 || p.factors[0] != p.factors[1]) return 0;
  nodes->insert(nodes->end(), p.nodes.begin(), p.nodes.end());
  return p.factors[0];
}

/// mean(t^2) + epsilon
struct Variance {
  tenon_value term = 0;
  int64_t axis = 0;
  double epsilon = 0;
};
std::optional<Variance> variance(Rewriter& r, tenon_value v, Nodes* nodes) {
  Variance result;
  if (const auto sum = sum_with_constant(r, v)) {
    result.epsilon = sum->constant;
    nodes->push_back(sum->node);
    v = sum->term;
  }
  const auto m = mean(r, v);
  if (!m) return std::nullopt;
  nodes->push_back(m->node);
  result.axis = m->axis;
  result.term = square_root_of_product(r, m->term, nodes);
  if (!result.term) return std::nullopt;
  return result;
}

/// n divides `term` by the square root of a variance.
struct Normalized {
  tenon_value term = 0;
  Variance variance;
  Nodes nodes;
};
std::optional<Normalized> normalized(Rewriter& r, tenon_node n) {
  auto root = [&](tenon_value v, tenon_value term, const char* op, Nodes nodes) -> std::optional<Normalized> {
    const tenon_node s = r.made_by(v, op);
    if (!s) return std::nullopt;
    nodes.push_back(s);
    const auto found = variance(r, r.g.input(s, 0), &nodes);
    if (!found) return std::nullopt;
    return Normalized{term, *found, std::move(nodes)};
  };
  const tenon_value a = r.g.input(n, 0), b = r.g.input(n, 1);
  if (r.is(n, "Div")) return root(b, a, "Sqrt", {});
  for (const auto& [x, y] : {std::pair(a, b), std::pair(b, a)}) {
    if (auto found = root(x, y, "Rsqrt", {})) return found;
    if (const tenon_node i = r.made_by(x, "Reciprocal"))
      if (auto found = root(r.g.input(i, 0), y, "Sqrt", {i})) return found;
    if (const tenon_node i = r.made_by(x, "Div"); i && scalar(r.g, r.g.input(i, 0)) == 1.0)
      if (auto found = root(r.g.input(i, 1), y, "Sqrt", {i})) return found;
    const tenon_node pow = r.made_by(x, "Pow");
    if (pow && scalar(r.g, r.g.input(pow, 1)) == -0.5) {
      Nodes nodes = {pow};
      if (const auto found = variance(r, r.g.input(pow, 0), &nodes)) return Normalized{y, *found, nodes};
    }
  }
  return std::nullopt;
}

bool layer_norm(Rewriter& r, tenon_node n) {
  auto found = normalized(r, n);
  if (!found || found->variance.term != found->term || found->variance.epsilon < 0) return false;
  const tenon_node sub = r.made_by(found->term, "Sub");
  if (!sub) return false;
  const auto m = mean(r, r.g.input(sub, 1));
  const tenon_value x = r.g.input(sub, 0);
  if (!m || m->term != x || m->axis != found->variance.axis || !same_type(r.g.info(x), r.g.info(r.g.output(n)))) return false;
  found->nodes.insert(found->nodes.end(), {sub, m->node});
  r.replace(n, {"LayerNormalization", {x}, AttrList{}.set("axis", m->axis).set("epsilon", found->variance.epsilon), found->nodes});
  return true;
}

/// v as a parameter of a normalization over the axes of x from `axis` on: without leading axes of length 1, and of the normalized
/// shape. 0 when it is none.
tenon_value parameter(Rewriter& r, tenon_value v, const ValueInfo& x, int64_t axis) {
  const ValueInfo i = r.g.info(v);
  const int64_t wanted = x.rank() - axis;
  if (!known(i) || !known(x) || i.type() != x.type() || i.rank() < wanted || i.rank() > x.rank()) return 0;
  for (int64_t k = 0; k < wanted; ++k)
    if (i.dim(static_cast<int32_t>(i.rank() - wanted + k)) != x.dim(static_cast<int32_t>(axis + k))) return 0;
  if (i.rank() == wanted) return v;
  for (int64_t k = 0; k < i.rank() - wanted; ++k)
    if (i.dim(static_cast<int32_t>(k)) != 1) return 0;
  if (!i.constant()) return 0;
  const Dims d(i.dims().end() - wanted, i.dims().end());
  uint64_t offset = 0;
  const Buffer bytes = r.g.constant_buffer(v, &offset);
  return r.g.add_constant("", i.type(), d, bytes, offset);
}

/// x * scale / sqrt(mean(x^2) + epsilon), where the division is any factor of the product.
bool rms_norm(Rewriter& r, tenon_node n) {
  if (!r.is(n, "Mul")) return false;
  for (uint64_t k : {0u, 1u}) {
    const tenon_value y = r.g.input(n, k);
    const ValueInfo i = r.g.info(y);
    const tenon_node inner = i.producer();
    if (!inner || !r.single_use(y) || !r.here(inner) || !(r.is(inner, "Mul") || r.is(inner, "Div"))) continue;
    auto found = normalized(r, inner);
    if (!found || found->variance.term != found->term || found->variance.epsilon < 0) continue;
    const tenon_value x = found->term;
    if (!same_type(r.g.info(x), r.g.info(r.g.output(n)))) continue;
    const tenon_value scale = parameter(r, r.g.input(n, 1 - k), r.g.info(x), found->variance.axis);
    if (!scale) continue;
    found->nodes.push_back(inner);
    r.replace(n, {"RMSNormalization", {x, scale}, AttrList{}.set("axis", found->variance.axis).set("epsilon", found->variance.epsilon), found->nodes});
    return true;
  }
  return false;
}

/// A scale or a bias after a LayerNormalization that has none.
bool affine(Rewriter& r, tenon_node n) {
  const bool scales = r.is(n, "Mul");
  for (uint64_t k : {0u, 1u}) {
    const tenon_value y = r.g.input(n, k);
    const tenon_node norm = r.made_by(y, "LayerNormalization");
    if (!norm || !r.single_use(y) || !r.one_output(norm) || r.g.input(norm, 2) || (scales && r.g.input(norm, 1))) continue;
    const ValueInfo x = r.g.info(r.g.input(norm, 0));
    if (!same_type(x, r.g.info(r.g.output(n))) || !r.can_forward(r.g.output(n), y)) continue;
    const int64_t axis = axis_of(r.g.attrs(norm).i("axis", -1), x.rank());
    const tenon_value v = parameter(r, r.g.input(n, 1 - k), x, axis);
    if (!v) continue;
    std::vector<tenon_value> in = r.g.inputs(norm);
    in.resize(scales ? 2 : 3);
    in.back() = v;
    AttrList attrs;
    const Attrs own = r.g.attrs(norm);
    for (const tenon_attr& a : own.all()) attrs.copy(a);
    std::string name(r.g.name(norm));
    r.replace(n, {"LayerNormalization", in, std::move(attrs), {norm}, std::move(name)});
    return true;
  }
  return false;
}

/// x reshaped to [N, groups, -1], normalized, and reshaped back.
bool group_norm(Rewriter& r, tenon_node n) {
  const tenon_node norm = r.made_by(r.g.input(n, 0), "InstanceNormalization");
  if (!norm || !r.single_use(r.g.input(n, 0))) return false;
  const tenon_value inside = r.g.input(norm, 0);
  const tenon_node reshape = r.made_by(inside, "Reshape");
  if (!reshape) return false;
  const tenon_value x = r.g.input(reshape, 0);
  const ValueInfo i = r.g.info(x), groups = r.g.info(inside);
  if (!same_type(i, r.g.info(r.g.output(n))) || i.rank() < 3 || groups.rank() != 3 || groups.dim(0) != i.dim(0) || i.type() != dt::f32) return false;
  const int64_t channels = i.dim(1), count = groups.dim(1);
  if (channels < 1 || count < 1 || channels % count) return false;
  const auto scale = floats(r.g, r.g.input(norm, 1)), bias = floats(r.g, r.g.input(norm, 2));
  if (!scale || !bias || static_cast<int64_t>(scale->size()) != count) return false;
  std::vector<float> s, b;
  for (int64_t c = 0; c < channels; ++c) {
    s.push_back(static_cast<float>((*scale)[static_cast<size_t>(c / (channels / count))]));
    b.push_back(static_cast<float>((*bias)[static_cast<size_t>(c / (channels / count))]));
  }
  const Dims d{channels};
  std::vector<tenon_value> in = {x, r.g.add_constant<float>("", d, s.data()), r.g.add_constant<float>("", d, b.data())};
  r.replace(n, {"GroupNormalization", std::move(in), AttrList{}.set("num_groups", count).set("epsilon", r.g.attrs(norm).f("epsilon", 1e-5)), {reshape, norm}});
  return true;
}

/// Scale and bias of each channel after a GroupNormalization or InstanceNormalization.
bool channel_affine(Rewriter& r, tenon_node n) {
  const bool scales = r.is(n, "Mul");
  for (uint64_t k : {0u, 1u}) {
    const tenon_value y = r.g.input(n, k);
    tenon_node norm = r.made_by(y, "GroupNormalization");
    if (!norm) norm = r.made_by(y, "InstanceNormalization");
    const ValueInfo i = r.g.info(y);
    if (!norm || !r.single_use(y) || i.rank() < 3 || i.dim(1) < 1 || !r.can_forward(r.g.output(n), y)) continue;
    const auto c = per_channel(r.g, r.g.input(n, 1 - k), i.rank(), 1, i.dim(1));
    auto scale = floats(r.g, r.g.input(norm, 1)), bias = floats(r.g, r.g.input(norm, 2));
    if (!c || !scale || !bias || scale->size() != c->size()) continue;
    for (size_t j = 0; j < c->size(); ++j) {
      if (scales) (*scale)[j] *= (*c)[j], (*bias)[j] *= (*c)[j];
      else (*bias)[j] += (*c)[j];
    }
    const auto s = rounded(*scale), b = rounded(*bias);
    if (!s || !b) continue;
    const Dims d{i.dim(1)};
    r.set_inputs(norm, {r.g.input(norm, 0), r.g.add_constant<float>("", d, s->data()), r.g.add_constant<float>("", d, b->data())});
    return r.absorb(n, norm);
  }
  return false;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g,
                  {{{"Div", "Mul"}, layer_norm},
                   {{"Mul"}, rms_norm},
                   {{"Mul", "Add"}, affine},
                   {{"Reshape"}, group_norm},
                   {{"Mul", "Add"}, channel_affine}})
      .run();
}

}  // namespace

TENON_PASS("recompose-layernorm",
           R"("class":"reassociating","summary":"recognize LayerNormalization, RMSNormalization and GroupNormalization written as formulas","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
