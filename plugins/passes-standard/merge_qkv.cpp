// SPDX-License-Identifier: Apache-2.0
// merge-qkv: three or more products of one value with constant matrices, all for attention, become one product with the matrices side
// by side and a Split. Weights that something else uses too stay, so that the model does not grow.
#include <tenon/plugin.hpp>
#include <tenon/rewriter.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

enum Slot : uint64_t { kA, kB, kC };

struct Member {
  tenon_node node = 0;
  bool transposed = false, has_bias = false;
  int64_t rows = 0, columns = 0;  ///< of the matrix that x is multiplied by
  std::vector<double> bias = {};
};

/// Everything that reads v wants queries, keys or values.
bool for_attention(Rewriter& r, tenon_value v) {
  const ValueInfo i = r.g.info(v);
  if (i.is_output() || i.n_uses() == 0) return false;
  for (tenon_node u : r.g.uses(v))
    if (!r.here(u) || !(r.is(u, "Attention") || r.is(u, "RotaryEmbedding"))) return false;
  return true;
}

std::optional<Member> member(Rewriter& r, tenon_node n, tenon_value x) {
  const bool gemm = r.is(n, "Gemm");
  if ((!gemm && !r.is(n, "MatMul")) || !r.here(n) || r.g.input(n, kA) != x || !for_attention(r, r.g.output(n))) return std::nullopt;
  const Attrs a = r.g.attrs(n);
  if (a.has("activation") || a.i("transA") || a.f("alpha", 1) != 1) return std::nullopt;
  const ValueInfo b = r.g.info(r.g.input(n, kB)), y = r.g.info(r.g.output(n));
  if (!b.constant() || b.n_uses() != 1 || b.type() != dt::f32 || b.rank() != 2 || !known(y) || y.type() != dt::f32) return std::nullopt;
  Member m{n, a.i("transB") != 0, gemm && r.g.input(n, kC) != 0};
  m.rows = b.dim(m.transposed ? 1 : 0);
  m.columns = b.dim(m.transposed ? 0 : 1);
  m.bias.assign(static_cast<size_t>(m.columns), 0.0);
  if (!m.has_bias) return m;
  const auto c = per_channel(r.g, r.g.input(n, kC), 2, 1, m.columns);
  if (!c || a.f("beta", 1) != 1) return std::nullopt;
  m.bias = *c;
  return m;
}

/// The matrices side by side, row after row.
std::vector<float> side_by_side(Rewriter& r, const std::vector<Member>& group, int64_t columns) {
  const int64_t rows = group.front().rows;
  std::vector<float> all(static_cast<size_t>(rows * columns));
  int64_t at = 0;
  for (const Member& m : group) {
    const auto bytes = r.g.constant_bytes(r.g.input(m.node, kB));
    const auto element = static_cast<int64_t>(sizeof(float));
    if (m.transposed) std::memcpy(all.data() + at * rows, bytes.data(), static_cast<size_t>(m.columns * rows * element));
    for (int64_t k = 0; k < rows && !m.transposed; ++k)
      std::memcpy(all.data() + k * columns + at, bytes.data() + k * m.columns * element, static_cast<size_t>(m.columns * element));
    at += m.columns;
  }
  return all;
}

/// One product of x and a Split of its columns, before the first of the group.
std::vector<tenon_value> split_product(Rewriter& r, tenon_value x, const std::vector<Member>& group) {
  const Member& first = group.front();
  Dims sizes, dims = r.g.info(r.g.output(first.node)).dims();
  std::vector<float> bias;
  std::vector<tenon_node> origins;
  for (const Member& m : group) {
    sizes.push_back(m.columns);
    for (double b : m.bias) bias.push_back(static_cast<float>(b));
    origins.push_back(m.node);
  }
  const int64_t columns = static_cast<int64_t>(bias.size()), axis = static_cast<int64_t>(dims.size()) - 1;
  const bool biased = std::any_of(group.begin(), group.end(), [](const Member& m) { return m.has_bias; });
  const Dims shape = first.transposed ? Dims{columns, first.rows} : Dims{first.rows, columns}, row{columns};
  std::vector<tenon_value> in = {x, r.g.add_constant<float>("", shape, side_by_side(r, group, columns).data())};
  if (biased) in.push_back(r.g.add_constant<float>("", row, bias.data()));
  AttrList attrs;
  if (first.transposed) attrs.add("transB", 1);
  const tenon_value y = r.emit(first.node, biased || first.transposed ? "Gemm" : "MatMul", in, attrs);
  r.g.add_origins(r.g.producer(y), origins);
  dims.back() = columns;
  r.g.set_type(y, dt::f32, dims);
  const AttrList split = AttrList{}.set("axis", axis);
  Graph::New d;
  d.op = Graph::op("Split");
  d.in = {y, r.g.add_ints("", sizes)};
  d.attrs = &split;
  d.out_names.resize(group.size());
  d.origins = origins;
  d.before = first.node;
  d.name = std::string(r.g.name(first.node));
  return r.g.outputs(r.g.add(d));
}

/// n, if it may be merged, and everything that may be merged with it.
std::vector<Member> group_of(Rewriter& r, tenon_node n, tenon_value x) {
  std::vector<Member> group;
  std::vector<tenon_node> nodes = {n};
  if (r.g.info(x).rank() < 2) return group;
  const Ids uses = r.g.uses(x);
  nodes.insert(nodes.end(), uses.begin(), uses.end());
  for (tenon_node u : nodes) {
    const auto m = member(r, u, x);
    const bool known = std::any_of(group.begin(), group.end(), [u](const Member& g) { return g.node == u; });
    if (!m && group.empty()) return group;
    if (m && !known && (group.empty() || (m->transposed == group.front().transposed && m->rows == group.front().rows))) group.push_back(*m);
  }
  return group;
}

bool merge(Rewriter& r, tenon_node n) {
  const tenon_value x = r.g.input(n, kA);
  const std::vector<Member> group = group_of(r, n, x);
  if (group.size() < 3) return false;
  const auto parts = split_product(r, x, group);
  for (size_t k = 0; k < group.size(); ++k) {
    r.g.copy_type(parts[k], r.g.output(group[k].node));
    r.forward(group[k].node, parts[k]);
  }
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"Gemm", "MatMul"}, merge, "merge"}}).run(); }

}  // namespace

TENON_PASS("merge-qkv",
           R"("class":"reassociating","summary":"products of one value with three or more constant matrices, all for attention, become one product and a Split","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
