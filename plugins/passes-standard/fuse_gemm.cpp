// SPDX-License-Identifier: Apache-2.0
// fuse-gemm: a matrix product with what follows it. MatMul by a matrix with a bias becomes Gemm, whatever the axes of the rows; scale,
// shift and BatchNormalization of columns go into constant B and C; alpha and beta into them too; a transposition of A or B into
// transA and transB; then comes the activation. Arithmetic is in double and rounded once.
#include <tenon/plugin.hpp>

#include <algorithm>

#include "common/activation.hpp"
#include "common/constants.hpp"
#include <tenon/rewriter.hpp>
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

enum Slot : uint64_t { kA, kB, kC };

/// A Gemm or MatMul with one user and a static number of columns.
struct Producer {
  tenon_node node = 0;
  bool gemm = false, transposed = false;
  int32_t rank = 0;
  int64_t columns = 0;
};
std::optional<Producer> producer(Rewriter& r, tenon_value x) {
  if (!x || !r.single_use(x)) return std::nullopt;
  Producer p;
  p.node = r.made_by(x, "Gemm");
  p.gemm = p.node != 0;
  if (!p.gemm) p.node = r.made_by(x, "MatMul");
  if (!p.node || r.g.attrs(p.node).has("activation")) return std::nullopt;
  const ValueInfo y = r.g.info(x), b = r.g.info(r.g.input(p.node, kB));
  p.transposed = p.gemm && r.g.attrs(p.node).i("transB") != 0;
  p.rank = y.rank();
  if (b.rank() < 2 || p.rank < 2 || y.type() != dt::f32) return std::nullopt;
  p.columns = p.transposed ? b.dim(0) : b.dim(-1);
  if (p.columns < 1) return std::nullopt;
  return p;
}

tenon_value constant_like(Rewriter& r, tenon_value shape_of, const std::vector<float>& data) {
  const Dims d = r.g.info(shape_of).dims();
  return r.g.add_constant<float>("", d, data.data());
}

/// B with column c multiplied by scale[c]; 0 when B is no constant matrix.
tenon_value scaled_matrix(Rewriter& r, const Producer& p, const std::vector<double>& scale) {
  const tenon_value b = r.g.input(p.node, kB);
  auto data = floats(r.g, b);
  if (!data || r.g.info(b).rank() != 2) return 0;
  const size_t columns = static_cast<size_t>(p.columns), rows = data->size() / columns;
  for (size_t i = 0; i < data->size(); ++i) (*data)[i] *= scale[p.transposed ? i / rows : i % columns];
  const auto f = rounded(*data);
  return f ? constant_like(r, b, *f) : 0;
}

/// beta * C as one number for each column; zeros when there is no C.
std::optional<std::vector<double>> bias_of(Rewriter& r, const Producer& p) {
  const tenon_value c = r.g.input(p.node, kC);
  if (!c) return std::vector<double>(static_cast<size_t>(p.columns), 0.0);
  auto v = per_channel(r.g, c, 2, 1, p.columns);
  const double beta = r.g.attrs(p.node).f("beta", 1);
  if (v)
    for (double& x : *v) x *= beta;
  return v;
}

/// Columns become scale * column + shift.
bool apply(Rewriter& r, tenon_node root, const Producer& p, const std::vector<double>& scale, const std::vector<double>& shift) {
  if (!r.can_forward(r.g.output(root), r.g.output(p.node))) return false;
  const bool scales = std::any_of(scale.begin(), scale.end(), [](double s) { return s != 1; });
  const bool shifts = r.g.input(p.node, kC) || std::any_of(shift.begin(), shift.end(), [](double s) { return s != 0; });
  if (shifts && !p.gemm && (r.g.info(r.g.input(p.node, kA)).rank() != p.rank || r.g.info(r.g.input(p.node, kB)).rank() != 2)) return false;
  auto bias = bias_of(r, p);
  if (!bias) return false;
  for (size_t c = 0; c < scale.size(); ++c) (*bias)[c] = (*bias)[c] * scale[c] + shift[c];
  const auto c = rounded(*bias);
  if (!c) return false;
  std::vector<tenon_value> in = {r.g.input(p.node, kA), r.g.input(p.node, kB)};
  if (scales && !(in[kB] = scaled_matrix(r, p, scale))) return false;
  if (!shifts) {
    r.set_inputs(p.node, in);
    return r.absorb(root, p.node);
  }
  const Dims d{p.columns};
  in.push_back(r.g.add_constant<float>("", d, c->data()));
  if (p.gemm) {
    r.g.set_attrs(p.node, AttrList{}.set("beta", 1.0));
    r.set_inputs(p.node, in);
    return r.absorb(root, p.node);
  }
  std::string name(r.g.name(p.node));
  r.replace(root, {"Gemm", in, {}, {p.node}, std::move(name)});
  return true;
}

bool binary(Rewriter& r, tenon_node n) {
  const std::string_view op = Graph::op_name(r.g.op(n)).name;
  for (uint64_t k : {0u, 1u}) {
    const auto p = producer(r, r.g.input(n, k));
    if (!p || (op == "Div" && k == 1)) continue;
    const auto c = per_channel(r.g, r.g.input(n, 1 - k), p->rank, p->rank - 1, p->columns);
    if (!c) continue;
    std::vector<double> scale(c->size(), 1.0), shift(c->size(), 0.0);
    for (size_t i = 0; i < c->size(); ++i) {
      const double x = (*c)[i];
      if (op == "Mul") scale[i] = x;
      if (op == "Div") scale[i] = 1 / x;
      if (op == "Add") shift[i] = x;
      if (op == "Sub") shift[i] = k == 0 ? -x : x, scale[i] = k == 0 ? 1 : -1;
      if (!std::isfinite(scale[i])) return false;
    }
    return apply(r, n, *p, scale, shift);
  }
  return false;
}

/// Channels of a matrix are its columns.
bool normalization(Rewriter& r, tenon_node n) {
  const auto p = producer(r, r.g.input(n, 0));
  if (!p || p->rank != 2) return false;
  const auto s = floats(r.g, r.g.input(n, 1)), b = floats(r.g, r.g.input(n, 2)), mean = floats(r.g, r.g.input(n, 3)), var = floats(r.g, r.g.input(n, 4));
  if (!s || !b || !mean || !var || static_cast<int64_t>(s->size()) != p->columns) return false;
  const double epsilon = r.g.attrs(n).f("epsilon", 1e-5);
  std::vector<double> scale, shift;
  for (size_t c = 0; c < s->size(); ++c) {
    scale.push_back((*s)[c] / std::sqrt((*var)[c] + epsilon));
    shift.push_back((*b)[c] - (*mean)[c] * scale[c]);
    if (!std::isfinite(scale[c]) || !std::isfinite(shift[c])) return false;
  }
  return apply(r, n, *p, scale, shift);
}

/// alpha into B and beta into C, where these are constants.
bool factors(Rewriter& r, tenon_node n) {
  const Attrs a = r.g.attrs(n);
  const double alpha = a.f("alpha", 1), beta = a.f("beta", 1);
  std::vector<tenon_value> in = r.g.inputs(n);
  auto scaled = [&](uint64_t k, double factor) {
    auto data = floats(r.g, in[k]);
    if (!data) return false;
    for (double& x : *data) x *= factor;
    const auto f = rounded(*data);
    if (f) in[k] = constant_like(r, in[k], *f);
    return f.has_value();
  };
  const bool has_c = in.size() > kC && in[kC];
  const bool did_a = alpha != 1 && std::isfinite(alpha) && scaled(kB, alpha);
  const bool did_b = beta != 1 && std::isfinite(beta) && has_c && scaled(kC, beta);
  if (!did_a && !did_b) return false;
  AttrList attrs;
  if (did_a) attrs.remove("alpha");
  if (did_b) attrs.remove("beta");
  r.g.set_attrs(n, attrs);
  r.set_inputs(n, in);
  return true;
}

/// A or B that was transposed just for this product.
bool transposed_input(Rewriter& r, tenon_node n) {
  for (uint64_t k : {kA, kB}) {
    const tenon_value v = r.g.input(n, k);
    const tenon_node t = r.made_by(v, "Transpose");
    if (!t || r.g.info(v).rank() != 2) continue;
    const auto perm = r.g.attrs(t).ints("perm", {1, 0});
    if (perm != std::vector<int64_t>{1, 0}) continue;
    const char* name = k == kA ? "transA" : "transB";
    r.g.set_attrs(n, AttrList{}.set(name, r.g.attrs(n).i(name) ? 0 : 1));
    std::vector<tenon_value> in = r.g.inputs(n);
    in[k] = r.g.input(t, 0);
    r.set_inputs(n, in, {t});
    return true;
  }
  return false;
}

/// Reshape to a matrix, product, Reshape back: the product takes rows of any number of axes.
bool many_rows(Rewriter& r, tenon_node n) {
  const tenon_value y = r.g.input(n, 0);
  tenon_node product = r.made_by(y, "Gemm");
  if (!product) product = r.made_by(y, "MatMul");
  const tenon_node reshape = product ? r.made_by(r.g.input(product, kA), "Reshape") : 0;
  if (!reshape || !r.single_use(y) || r.g.attrs(product).i("transA") || r.g.info(r.g.input(product, kB)).rank() != 2) return false;
  const ValueInfo x = r.g.info(r.g.input(reshape, 0)), a = r.g.info(r.g.input(product, kA)), out = r.g.info(r.g.output(n));
  if (!known(x) || !known(out) || a.rank() < 2 || x.rank() < 2 || x.rank() != out.rank()) return false;
  if (x.dim(-1) != a.dim(-1) || out.dim(-1) != r.g.info(y).dim(-1)) return false;
  for (int32_t k = 0; k + 1 < x.rank(); ++k)
    if (x.dim(k) != out.dim(k)) return false;
  std::vector<tenon_value> in = r.g.inputs(product);
  in[kA] = r.g.input(reshape, 0);
  if (in.size() > kC && in[kC] && r.g.info(in[kC]).rank() != 0 && r.g.info(in[kC]).dims() != Dims{out.dim(-1)}) return false;
  AttrList attrs;
  const Attrs own = r.g.attrs(product);
  for (const tenon_attr& t : own.all()) attrs.copy(t);
  std::string name(r.g.name(product));
  r.replace(n, {Graph::op_name(r.g.op(product)).name, in, std::move(attrs), {product, reshape}, std::move(name)});
  return true;
}

bool activation(Rewriter& r, tenon_node n) { return fuse_activation(r, n, {"Gemm"}); }

uint64_t run(const Ctx& ctx, Graph& g) {
  const uint64_t linear = Rewriter(ctx, g,
                                   {{{"BatchNormalization"}, normalization},
                                    {{"Mul", "Div", "Add", "Sub"}, binary},
                                    {{"Gemm"}, factors},
                                    {{"Gemm"}, transposed_input},
                                    {{"Reshape"}, many_rows}})
                              .run();
  return linear + Rewriter(ctx, g, {{activation_operators(), activation}}).run();
}

}  // namespace

TENON_PASS("fuse-gemm",
           R"("class":"reassociating","summary":"fold bias, scale, BatchNormalization and transpositions into Gemm and MatMul; fuse the activation","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
