// SPDX-License-Identifier: Apache-2.0
// recompose-layernorm: normalizations that were exported as their formula become one operator again.
//   (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) over the last axes is LayerNormalization, x / sqrt(mean(x^2) + epsilon)
//   times a scale is RMSNormalization; a scale and a bias that follow are taken in where their shapes allow. Reshape to groups,
//   InstanceNormalization, Reshape back is GroupNormalization.
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
    if (!in[static_cast<size_t>(k)]) return false;
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
                   {{"Add"}, factored_layer_norm},
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
