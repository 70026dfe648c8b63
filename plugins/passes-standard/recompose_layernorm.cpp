// SPDX-License-Identifier: Apache-2.0
// recompose-layernorm: normalizations that were exported as their formula become one operator again.
//   (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) over the last axes is LayerNormalization, x / sqrt(mean(x^2) + epsilon)
//   times a scale is RMSNormalization; a scale and a bias that follow are taken in where their shapes allow. With a scale or a bias of
//   each channel it is InstanceNormalization. Reshape to groups, normalization of each, Reshape back is GroupNormalization.
#include <tenon/pattern.hpp>
#include <tenon/plugin.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include <tenon/rewriter.hpp>
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

using Nodes = std::vector<tenon_node>;

using namespace pattern;

/// Pieces of a normalization over the last axes, as they are usually spelled.
struct Formula {
  Pattern x = any(), epsilon = number(), scale = any(), bias = any();
  Pattern mean = mean_of(x), centred = op("Sub", {x, mean});
  Pattern variance = mean_of(squared(centred)), squares = mean_of(squared(x));

  static Pattern mean_of(const Pattern& p) { return op("ReduceMean", {p, any()}).attr("keepdims", 1, 1); }
  Pattern plus_epsilon(const Pattern& v) const { return either({sum(v, epsilon), v}); }
  /// 1 / sqrt(v)
  static Pattern inverse_root(const Pattern& v) {
    const Pattern root = op("Sqrt", {v});
    return either({op("Rsqrt", {v}), op("Reciprocal", {root}), op("Div", {number(1), root}), op("Pow", {v, number(-0.5)})});
  }
  static Pattern divided(const Pattern& term, const Pattern& v) { return either({op("Div", {term, op("Sqrt", {v})}), product(term, inverse_root(v))}); }
};

/// The first axis of a mean over all axes from there on; nothing for another mean.
std::optional<int64_t> last_axes(Rewriter& r, tenon_node mean) {
  const int32_t rank = r.g.info(r.g.input(mean, 0)).rank();
  auto axes = ints(r.g, r.g.input(mean, 1));
  if (!axes || rank < 1 || axes->empty()) return std::nullopt;
  for (int64_t& a : *axes) a = axis_of(a, rank);
  std::sort(axes->begin(), axes->end());
  for (size_t k = 0; k < axes->size(); ++k)
    if ((*axes)[k] != rank - static_cast<int64_t>(axes->size() - k)) return std::nullopt;
  return axes->front();
}

/// What a matched formula normalizes: the axis and epsilon. Nothing when its means disagree.
struct Normalized {
  int64_t axis = 0;
  double epsilon = 0;
};
std::optional<Normalized> normalized(Rewriter& r, const Match& m, const Formula& f, tenon_node n) {
  if (!same_type(r.g.info(m[f.x]), r.g.info(r.g.output(n)))) return std::nullopt;
  Normalized result;
  result.epsilon = m.value_of(f.epsilon).value_or(0);
  const bool centred = m.has(f.mean);
  const auto axis = last_axes(r, m.node(centred ? f.variance : f.squares));
  if (!axis || !(result.epsilon >= 0) || (centred && last_axes(r, m.node(f.mean)) != axis)) return std::nullopt;
  result.axis = *axis;
  return result;
}

/// (x - mean) / sqrt(variance + epsilon)
bool layer_norm(Rewriter& r, tenon_node n) {
  static const Formula f;
  static const Pattern root = Formula::divided(f.centred, f.plus_epsilon(f.variance));
  const auto m = match(r.g, root, n);
  const auto found = m ? normalized(r, *m, f, n) : std::nullopt;
  if (!found) return false;
  r.replace(n, {"LayerNormalization", {(*m)[f.x]}, AttrList{}.set("axis", found->axis).set("epsilon", found->epsilon), m->absorbed()});
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
  static const Formula f;
  static const Pattern root = product(Formula::divided(f.x, f.plus_epsilon(f.squares)).once(), f.scale);
  const auto m = match(r.g, root, n);
  const auto found = m ? normalized(r, *m, f, n) : std::nullopt;
  const tenon_value scale = found ? parameter(r, (*m)[f.scale], r.g.info((*m)[f.x]), found->axis) : 0;
  if (!scale) return false;
  r.replace(n, {"RMSNormalization", {(*m)[f.x], scale}, AttrList{}.set("axis", found->axis).set("epsilon", found->epsilon), m->absorbed()});
  return true;
}

/// A number for each of the `count` > 1 channels of an image or a batch of signals, f32.
std::optional<std::vector<double>> by_channel(Rewriter& r, tenon_value v, const ValueInfo& x) {
  if (x.rank() < 3 || x.type() != dt::f32 || x.dim(1) < 2 || !v || r.g.info(v).count() != x.dim(1)) return std::nullopt;
  return per_channel(r.g, v, x.rank(), 1, x.dim(1));
}

tenon_value vector_of(Rewriter& r, const std::vector<double>& v) {
  const std::vector<float> f(v.begin(), v.end());
  return r.g.add_constant<float>("", Dims{static_cast<int64_t>(f.size())}, f.data());
}

/// A formula over all spatial axes with a scale and a bias of each channel; either may be absent (0).
bool instance_norm(Rewriter& r, const Match& m, const Normalized& found, tenon_value image, tenon_value scale, tenon_value bias) {
  const ValueInfo x = r.g.info(image);
  if (found.axis != 2 || x.rank() < 3 || x.dim(1) < 2) return false;
  const auto channels = static_cast<size_t>(x.dim(1));
  const auto s = scale ? by_channel(r, scale, x) : std::vector<double>(channels, 1.0), b = bias ? by_channel(r, bias, x) : std::vector<double>(channels, 0.0);
  if (!s || !b) return false;
  std::vector<tenon_value> in = {image, vector_of(r, *s), vector_of(r, *b)};
  r.replace(m.root(), {"InstanceNormalization", std::move(in), AttrList{}.set("epsilon", found.epsilon), m.absorbed()});
  return true;
}

/// x * factor + (bias - mean * factor) with factor = scale / sqrt(variance + epsilon), as TensorFlow spells it; -mean * factor without a bias.
bool factored_layer_norm(Rewriter& r, tenon_node n) {
  static const Formula f;
  static const Pattern root = [] {
    const Pattern inverse = Formula::inverse_root(f.plus_epsilon(f.variance)), factor = either({product(inverse, f.scale), inverse});
    const Pattern shift = product(f.mean, factor);
    return sum(product(f.x, factor), either({op("Sub", {f.bias, shift}), product(op("Neg", {f.mean}), factor), op("Neg", {shift})}));
  }();
  const auto m = match(r.g, root, n);
  const auto found = m ? normalized(r, *m, f, n) : std::nullopt;
  if (!found) return false;
  std::vector<tenon_value> in = {(*m)[f.x], 0, 0};
  for (const auto& [k, p] : {std::pair(1, &f.scale), std::pair(2, &f.bias)}) {
    if (!m->has(*p)) continue;
    in[static_cast<size_t>(k)] = parameter(r, (*m)[*p], r.g.info((*m)[f.x]), found->axis);
    if (!in[static_cast<size_t>(k)]) return instance_norm(r, *m, *found, (*m)[f.x], (*m)[f.scale], (*m)[f.bias]);
  }
  while (!in.back()) in.pop_back();
  r.replace(n, {"LayerNormalization", std::move(in), AttrList{}.set("axis", found->axis).set("epsilon", found->epsilon), m->absorbed()});
  return true;
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

/// A LayerNormalization of all but the first two axes, with a scale or a bias of each channel after it.
bool layer_norm_of_channels(Rewriter& r, tenon_node n) {
  for (uint64_t k : {0u, 1u}) {
    const tenon_value y = r.g.input(n, k);
    const tenon_node norm = r.made_by(y, "LayerNormalization");
    if (!norm || !r.single_use(y) || !r.one_output(norm) || r.g.input(norm, 1) || r.g.input(norm, 2)) continue;
    const ValueInfo x = r.g.info(r.g.input(norm, 0));
    const auto c = by_channel(r, r.g.input(n, 1 - k), x);
    if (!c || axis_of(r.g.attrs(norm).i("axis", -1), x.rank()) != 2 || !same_type(x, r.g.info(r.g.output(n)))) continue;
    const bool scales = r.is(n, "Mul");
    const tenon_value given = vector_of(r, *c), other = vector_of(r, std::vector<double>(c->size(), scales ? 0.0 : 1.0));
    std::vector<tenon_value> in = {r.g.input(norm, 0), scales ? given : other, scales ? other : given};
    r.replace(n, {"InstanceNormalization", std::move(in), AttrList{}.set("epsilon", r.g.attrs(norm).f("epsilon", 1e-5)), {norm}});
    return true;
  }
  return false;
}

/// A normalization of each of the groups [N, groups, ...] by itself: one scale and one bias for each group.
struct Grouped {
  tenon_node norm = 0;
  std::vector<double> scale, bias;
};
std::optional<Grouped> grouped(Rewriter& r, tenon_value y) {
  if (const tenon_node n = r.made_by(y, "InstanceNormalization")) {
    const auto scale = floats(r.g, r.g.input(n, 1)), bias = floats(r.g, r.g.input(n, 2));
    if (!scale || !bias || r.g.info(y).rank() != 3) return std::nullopt;
    return Grouped{n, *scale, *bias};
  }
  const tenon_node n = r.made_by(y, "LayerNormalization");
  const ValueInfo i = r.g.info(y);
  if (!n || !r.one_output(n) || r.g.input(n, 1) || r.g.input(n, 2) || i.rank() < 3 || i.dim(1) < 1 || axis_of(r.g.attrs(n).i("axis", -1), i.rank()) != 2) return std::nullopt;
  const auto groups = static_cast<size_t>(i.dim(1));
  return Grouped{n, std::vector<double>(groups, 1.0), std::vector<double>(groups, 0.0)};
}

/// x reshaped to [N, groups, ...], each group normalized, and reshaped back.
bool group_norm(Rewriter& r, tenon_node n) {
  const auto g = r.single_use(r.g.input(n, 0)) ? grouped(r, r.g.input(n, 0)) : std::nullopt;
  if (!g) return false;
  const tenon_value inside = r.g.input(g->norm, 0);
  const tenon_node reshape = r.made_by(inside, "Reshape");
  if (!reshape) return false;
  const tenon_value x = r.g.input(reshape, 0);
  const ValueInfo i = r.g.info(x), groups = r.g.info(inside);
  if (!same_type(i, r.g.info(r.g.output(n))) || i.rank() < 3 || groups.rank() < 3 || groups.dim(0) != i.dim(0) || i.type() != dt::f32) return false;
  const int64_t channels = i.dim(1), count = groups.dim(1);
  if (channels < 1 || count < 1 || channels % count || static_cast<int64_t>(g->scale.size()) != count) return false;
  if (r.is(g->norm, "LayerNormalization") && count == channels) return false;  // tokens, not groups
  std::vector<double> s, b;
  for (int64_t c = 0; c < channels; ++c) {
    s.push_back(g->scale[static_cast<size_t>(c / (channels / count))]);
    b.push_back(g->bias[static_cast<size_t>(c / (channels / count))]);
  }
  std::vector<tenon_value> in = {x, vector_of(r, s), vector_of(r, b)};
  const double epsilon = r.g.attrs(g->norm).f("epsilon", 1e-5);
  r.replace(n, {"GroupNormalization", std::move(in), AttrList{}.set("num_groups", count).set("epsilon", epsilon), {reshape, g->norm}});
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
                   {{"Add"}, factored_layer_norm},
                   {{"Mul", "Add"}, affine},
                   {{"Mul", "Add"}, layer_norm_of_channels, "layer-norm-of-channels", Measure::nodes()},
                   {{"Reshape"}, group_norm},
                   {{"Mul", "Add"}, channel_affine}})
      .run();
}

}  // namespace

TENON_PASS("recompose-layernorm",
           R"("class":"reassociating","summary":"recognize LayerNormalization, RMSNormalization, InstanceNormalization and GroupNormalization written as formulas","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
