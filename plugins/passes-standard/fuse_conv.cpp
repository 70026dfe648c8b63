// SPDX-License-Identifier: Apache-2.0
// fuse-conv: what precedes or follows a convolution and is linear in each channel goes into its weights and bias; then come the residual
// and the activation, as the node's own. Weights are computed in double and rounded once.
#include <tenon/plugin.hpp>

#include <algorithm>

#include "common/activation.hpp"
#include "common/constants.hpp"
#include <tenon/rewriter.hpp>
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

/// y = scale * x + shift, for each channel.
struct Affine {
  std::vector<double> scale, shift;
};

enum Slot : uint64_t { kInput, kWeights, kBias, kResidual };

/// A Conv, ConvTranspose or BatchNormalization that can take on an affine map: weights are f32 constants, nothing comes after them.
struct Producer {
  tenon_node node = 0;
  bool transposed = false, normalization = false;
  int32_t rank = 0;
  int64_t channels = 0, group = 1;
};

std::optional<Producer> producer(Rewriter& r, tenon_value x) {
  if (!x || !r.single_use(x)) return std::nullopt;
  Producer p;
  if ((p.node = r.made_by(x, "BatchNormalization"))) {
    const ValueInfo y = r.g.info(x);
    p.normalization = true;
    p.rank = y.rank();
    const tenon_value scale = r.g.input(p.node, 1);
    if (p.rank < 2 || !floats(r.g, scale) || !floats(r.g, r.g.input(p.node, 2))) return std::nullopt;
    p.channels = r.g.info(scale).count();
    return p;
  }
  p.node = r.made_by(x, "Conv");
  if (!p.node) p.node = r.made_by(x, "ConvTranspose"), p.transposed = p.node != 0;
  if (!p.node || r.g.attrs(p.node).has("activation")) return std::nullopt;
  const ValueInfo w = r.g.info(r.g.input(p.node, kWeights));
  if (w.type() != dt::f32 || w.rank() < 3) return std::nullopt;
  p.rank = w.rank();
  p.group = r.g.attrs(p.node).i("group", 1);
  p.channels = p.transposed ? w.dim(1) * p.group : w.dim(0);
  if (p.channels < 1) return std::nullopt;
  return p;
}

tenon_value constant_like(Rewriter& r, tenon_value shape_of, const std::vector<float>& data) {
  const Dims d = r.g.info(shape_of).dims();
  return r.g.add_constant<float>("", d, data.data());
}
tenon_value channel_constant(Rewriter& r, const std::vector<float>& data) {
  const Dims d{static_cast<int64_t>(data.size())};
  return r.g.add_constant<float>("", d, data.data());
}

/// Multiplies the weights of output channel c by scale[c].
std::vector<double> scaled_weights(const Producer& p, const ValueInfo& w, std::vector<double> data, const std::vector<double>& scale) {
  const size_t spatial = data.size() / static_cast<size_t>(std::max<int64_t>(1, w.dim(0) * w.dim(1)));
  const size_t outer = static_cast<size_t>(w.dim(0)), inner = static_cast<size_t>(w.dim(1));
  const size_t inputs_per_group = p.transposed ? outer / static_cast<size_t>(p.group) : 1;
  for (size_t o = 0; o < outer; ++o)
    for (size_t i = 0; i < inner; ++i) {
      const double s = scale[p.transposed ? o / inputs_per_group * inner + i : o];
      for (size_t k = 0; k < spatial; ++k) data[(o * inner + i) * spatial + k] *= s;
    }
  return data;
}

std::optional<std::vector<double>> bias_of(Rewriter& r, const Producer& p) {
  const tenon_value b = r.g.input(p.node, kBias);
  if (!b) return std::vector<double>(static_cast<size_t>(p.channels), 0.0);
  return floats(r.g, b);
}

bool into_normalization(Rewriter& r, tenon_node root, const Producer& p, const Affine& a) {
  auto in = r.g.inputs(p.node);
  auto scale = *floats(r.g, in[1]), bias = *floats(r.g, in[2]);
  for (size_t c = 0; c < scale.size(); ++c) {
    scale[c] *= a.scale[c];
    bias[c] = bias[c] * a.scale[c] + a.shift[c];
  }
  const auto s = rounded(scale), b = rounded(bias);
  if (!s || !b) return false;
  in[1] = channel_constant(r, *s);
  in[2] = channel_constant(r, *b);
  r.set_inputs(p.node, in);
  return r.absorb(root, p.node);
}

bool into_convolution(Rewriter& r, tenon_node root, const Producer& p, const Affine& a) {
  std::vector<tenon_value> in = r.g.inputs(p.node);
  in.resize(std::max<size_t>(in.size(), 3));
  const bool scales = std::any_of(a.scale.begin(), a.scale.end(), [](double s) { return s != 1; });
  // A residual is added after the bias: it would have to be scaled too.
  if (scales && in.size() > kResidual && in[kResidual]) return false;
  auto bias = bias_of(r, p);
  if (!bias || bias->size() != a.scale.size()) return false;
  for (size_t c = 0; c < bias->size(); ++c) (*bias)[c] = (*bias)[c] * a.scale[c] + a.shift[c];
  const auto b = rounded(*bias);
  if (!b) return false;
  if (scales) {
    const auto data = floats(r.g, in[kWeights]);
    if (!data) return false;
    const auto w = rounded(scaled_weights(p, r.g.info(in[kWeights]), *data, a.scale));
    if (!w) return false;
    in[kWeights] = constant_like(r, in[kWeights], *w);
  }
  const bool plain = std::all_of(b->begin(), b->end(), [](float x) { return x == 0; });
  if (in[kBias] || !plain) in[kBias] = channel_constant(r, *b);
  while (!in.back()) in.pop_back();
  r.set_inputs(p.node, in);
  return r.absorb(root, p.node);
}

bool apply(Rewriter& r, tenon_node root, const Producer& p, const Affine& a) {
  if (!r.can_forward(r.g.output(root), r.g.output(p.node))) return false;
  return p.normalization ? into_normalization(r, root, p, a) : into_convolution(r, root, p, a);
}

/// Scale and shift of a BatchNormalization whose parameters are constants.
std::optional<Affine> affine_of_normalization(Rewriter& r, tenon_node n) {
  const auto scale = floats(r.g, r.g.input(n, 1)), bias = floats(r.g, r.g.input(n, 2)), mean = floats(r.g, r.g.input(n, 3)), var = floats(r.g, r.g.input(n, 4));
  if (!scale || !bias || !mean || !var) return std::nullopt;
  const double epsilon = r.g.attrs(n).f("epsilon", 1e-5);
  Affine a;
  for (size_t c = 0; c < scale->size(); ++c) {
    a.scale.push_back((*scale)[c] / std::sqrt((*var)[c] + epsilon));
    a.shift.push_back((*bias)[c] - (*mean)[c] * a.scale[c]);
    if (!std::isfinite(a.scale[c]) || !std::isfinite(a.shift[c])) return std::nullopt;
  }
  return a;
}

bool normalization(Rewriter& r, tenon_node n) {
  const auto p = producer(r, r.g.input(n, 0));
  if (!p) return false;
  const auto a = affine_of_normalization(r, n);
  return a && static_cast<int64_t>(a->scale.size()) == p->channels && apply(r, n, *p, *a);
}

/// Mul, Div, Add or Sub of a producer's output and a constant for each channel.
bool binary(Rewriter& r, tenon_node n) {
  const std::string_view op = Graph::op_name(r.g.op(n)).name;
  for (uint64_t k : {0u, 1u}) {
    const auto p = producer(r, r.g.input(n, k));
    if (!p || (op == "Div" && k == 1)) continue;
    const auto c = per_channel(r.g, r.g.input(n, 1 - k), p->rank, 1, p->channels);
    if (!c) continue;
    Affine a{std::vector<double>(c->size(), 1.0), std::vector<double>(c->size(), 0.0)};
    for (size_t i = 0; i < c->size(); ++i) {
      const double x = (*c)[i];
      if (op == "Mul") a.scale[i] = x;
      if (op == "Div") a.scale[i] = 1 / x;
      if (op == "Add") a.shift[i] = x;
      if (op == "Sub") a.shift[i] = k == 0 ? -x : x, a.scale[i] = k == 0 ? 1 : -1;
      if (!std::isfinite(a.scale[i])) return false;
    }
    return apply(r, n, *p, a);
  }
  return false;
}

/// -conv
bool negation(Rewriter& r, tenon_node n) {
  const auto p = producer(r, r.g.input(n, 0));
  if (!p) return false;
  const auto channels = static_cast<size_t>(p->channels);
  return apply(r, n, *p, {std::vector<double>(channels, -1.0), std::vector<double>(channels, 0.0)});
}

/// conv + R, where R has the same shape. The convolution has no other user, so R cannot depend on it.
bool residual(Rewriter& r, tenon_node n) {
  for (uint64_t k : {0u, 1u}) {
    const tenon_value x = r.g.input(n, k), other = r.g.input(n, 1 - k);
    const tenon_node conv = r.made_by(x, "Conv");
    if (!conv || !r.single_use(x) || r.g.is_constant(other) || r.g.attrs(conv).has("activation")) continue;
    std::vector<tenon_value> in = r.g.inputs(conv);
    in.resize(std::max<size_t>(in.size(), 4));
    if (in[kResidual] || !same_type(r.g.info(x), r.g.info(other)) || !is_float(r.g.info(x).type())) continue;
    in[kResidual] = other;
    AttrList attrs;
    const Attrs own = r.g.attrs(conv);
    for (const tenon_attr& a : own.all()) attrs.copy(a);
    std::string name(r.g.name(conv));
    r.replace(n, {"Conv", in, std::move(attrs), {conv}, std::move(name)});
    return true;
  }
  return false;
}

/// Affine map of the input channels that a node does: a Mul, Div, Add or Sub with constants, or a BatchNormalization.
struct InputMap {
  tenon_node node = 0;
  tenon_value source = 0;
  Affine map;
};
std::optional<InputMap> input_map(Rewriter& r, tenon_value x, int32_t rank, int64_t channels) {
  if (const tenon_node n = r.made_by(x, "BatchNormalization")) {
    auto a = affine_of_normalization(r, n);
    if (!a || static_cast<int64_t>(a->scale.size()) != channels) return std::nullopt;
    return InputMap{n, r.g.input(n, 0), std::move(*a)};
  }
  const tenon_node n = r.g.producer(x);
  if (!n || !r.here(n) || !(r.is(n, "Mul") || r.is(n, "Div") || r.is(n, "Add") || r.is(n, "Sub"))) return std::nullopt;
  for (uint64_t k : {0u, 1u}) {
    const tenon_value source = r.g.input(n, k);
    const auto c = per_channel(r.g, r.g.input(n, 1 - k), rank, 1, channels);
    if (!c || r.g.is_constant(source) || (r.is(n, "Div") && k == 1) || !same_type(r.g.info(source), r.g.info(x))) continue;
    InputMap m{n, source, {std::vector<double>(c->size(), 1.0), std::vector<double>(c->size(), 0.0)}};
    for (size_t i = 0; i < c->size(); ++i) {
      const double v = (*c)[i];
      if (r.is(n, "Mul")) m.map.scale[i] = v;
      if (r.is(n, "Div")) m.map.scale[i] = 1 / v;
      if (r.is(n, "Add")) m.map.shift[i] = v;
      if (r.is(n, "Sub")) m.map.shift[i] = k == 0 ? -v : v, m.map.scale[i] = k == 0 ? 1 : -1;
      if (!std::isfinite(m.map.scale[i])) return std::nullopt;
    }
    return m;
  }
  return std::nullopt;
}

bool unpadded(Rewriter& r, tenon_node conv) {
  const Attrs a = r.g.attrs(conv);
  const auto pads = a.ints("pads");
  const std::string mode = a.s("auto_pad", "NOTSET");
  return (mode == "NOTSET" || mode == "VALID") && std::all_of(pads.begin(), pads.end(), [](int64_t p) { return p == 0; });
}

/// An affine map of the input channels into weights and bias. A scale commutes with zero padding, a shift does not.
bool mapped_input(Rewriter& r, tenon_node conv) {
  const tenon_value x = r.g.input(conv, kInput), weights = r.g.input(conv, kWeights);
  const ValueInfo w = r.g.info(weights);
  if (!r.single_use(x) || w.rank() < 3 || !w.constant()) return false;
  const int64_t per_group = w.dim(1), group = r.g.attrs(conv).i("group", 1), outs = w.dim(0);
  if (outs < 1 || per_group < 1 || outs % group) return false;
  const auto m = input_map(r, x, w.rank(), per_group * group);
  if (!m) return false;
  const auto& shift = m->map.shift;
  const bool shifts = std::any_of(shift.begin(), shift.end(), [](double v) { return v != 0; });
  auto data = floats(r.g, weights);
  std::vector<tenon_value> in = r.g.inputs(conv);
  in.resize(std::max<size_t>(in.size(), 3));
  auto bias = in[kBias] ? floats(r.g, in[kBias]) : std::vector<double>(static_cast<size_t>(outs), 0.0);
  if (!data || (shifts && (!unpadded(r, conv) || !bias || static_cast<int64_t>(bias->size()) != outs))) return false;
  const size_t spatial = data->size() / static_cast<size_t>(outs * per_group);
  for (int64_t o = 0; o < outs; ++o)
    for (int64_t i = 0; i < per_group; ++i) {
      const auto channel = static_cast<size_t>(o / (outs / group) * per_group + i);
      double* tap = data->data() + static_cast<size_t>(o * per_group + i) * spatial;
      double sum = 0;
      for (size_t s = 0; s < spatial; ++s) {
        sum += tap[s];
        tap[s] *= m->map.scale[channel];
      }
      if (shifts) (*bias)[static_cast<size_t>(o)] += sum * shift[channel];
    }
  const auto f = rounded(*data);
  const auto b = shifts ? rounded(*bias) : std::nullopt;
  if (!f || (shifts && !b)) return false;
  in[kInput] = m->source;
  in[kWeights] = constant_like(r, weights, *f);
  if (shifts) in[kBias] = channel_constant(r, *b);
  while (!in.back()) in.pop_back();
  r.set_inputs(conv, in, {m->node});
  return true;
}

/// Zero padding of the spatial axes before a convolution.
bool padded_input(Rewriter& r, tenon_node conv) {
  const tenon_node pad = r.made_by(r.g.input(conv, kInput), "Pad");
  if (!pad || r.g.attrs(pad).s("mode", "constant") != "constant") return false;
  const std::string auto_pad = r.g.attrs(conv).s("auto_pad", "NOTSET");
  const auto pads = ints(r.g, r.g.input(pad, 1));
  const int32_t rank = r.g.info(r.g.input(conv, kWeights)).rank();
  const tenon_value value = r.g.input(pad, 2);
  if (!pads || rank < 3 || auto_pad != "NOTSET" || (value && scalar(r.g, value) != 0.0)) return false;
  std::vector<int64_t> axes;
  if (const tenon_value v = r.g.input(pad, 3)) {
    const auto given = ints(r.g, v);
    if (!given) return false;
    for (int64_t a : *given) axes.push_back(axis_of(a, rank));
  } else {
    for (int64_t k = 0; k < rank; ++k) axes.push_back(k);
  }
  const size_t spatial = static_cast<size_t>(rank) - 2, n = axes.size();
  if (pads->size() != 2 * n) return false;
  std::vector<int64_t> total = r.g.attrs(conv).ints("pads", std::vector<int64_t>(2 * spatial, 0));
  if (total.size() != 2 * spatial) return false;
  for (size_t k = 0; k < n; ++k) {
    const int64_t begin = (*pads)[k], end = (*pads)[n + k];
    if (axes[k] < 2 && (begin || end)) return false;
    if (begin < 0 || end < 0) return false;
    if (axes[k] < 2) continue;
    total[static_cast<size_t>(axes[k]) - 2] += begin;
    total[spatial + static_cast<size_t>(axes[k]) - 2] += end;
  }
  AttrList attrs;
  attrs.add("pads", total);
  r.g.set_attrs(conv, attrs);
  std::vector<tenon_value> in = r.g.inputs(conv);
  in[kInput] = r.g.input(pad, 0);
  r.set_inputs(conv, in, {pad});
  return true;
}

bool activation(Rewriter& r, tenon_node n) { return fuse_activation(r, n, {"Conv", "ConvTranspose"}); }

// Linear parts of the whole graph first: an activation or a residual closes a convolution to scales.
uint64_t round(const Ctx& ctx, Graph& g) {
  Rewriter linear(ctx, g,
                  {{{"BatchNormalization"}, normalization},
                   {{"Mul", "Div", "Add", "Sub"}, binary},
                   {{"Neg"}, negation},
                   {{"Conv"}, padded_input},
                   {{"Conv"}, mapped_input}});
  Rewriter closing(ctx, g, {{{"Add"}, residual}, {activation_operators(), activation}});
  const uint64_t rewrites = linear.run();
  return rewrites + closing.run();
}

// Each round but the last removes a node, and a bias after a residual is all that a second one finds.
uint64_t run(const Ctx& ctx, Graph& g) {
  uint64_t all = 0;
  while (const uint64_t rewrites = round(ctx, g)) all += rewrites;
  return all;
}

}  // namespace

TENON_PASS("fuse-conv",
           R"("class":"reassociating","summary":"fold BatchNormalization, scale, bias and padding into convolutions; fuse residual and activation","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
