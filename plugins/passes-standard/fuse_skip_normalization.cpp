// SPDX-License-Identifier: Apache-2.0
// fuse-skip-normalization: a sum and the normalization of it become one node that gives both: what the sum's other users read
// is then the second output. The smaller operand, if any, is the one that broadcasts.
#include <tenon/pattern.hpp>
#include <tenon/plugin.hpp>

#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

using namespace pattern;

const Pattern kA = any(), kB = any(), kScale = any(), kBias = any();
const Pattern kSum = op("Add", {kA, kB}).where([](const Graph& g, tenon_value v) { return is_float(g.info(v).type()) && g.info(v).type().bits >= 32; });

/// A parameter that is there before the sum is, and of the shape of the normalized axes.
bool fits(const Graph& g, tenon_value parameter, const ValueInfo& x, int64_t axis) {
  if (!parameter) return true;
  const ValueInfo p = g.info(parameter);
  if (!p.constant() || p.type() != x.type() || p.rank() != x.rank() - axis) return false;
  for (int32_t k = 1; k <= p.rank(); ++k)
    if (p.dim(-k) != x.dim(-k)) return false;
  return true;
}

/// The node stands where the sum stood, so that all users of either come after it.
bool fuse(Rewriter& r, tenon_node n, const Pattern& root, const char* op) {
  const auto m = match(r.g, root, n);
  if (!m || !r.one_output(n)) return false;
  const tenon_value sum = (*m)[kSum];
  const tenon_node add = m->node(kSum);
  const ValueInfo x = r.g.info(sum);
  tenon_value a = (*m)[kA], b = (*m)[kB];
  if (!same_type(r.g.info(a), x)) std::swap(a, b);
  const auto whole = broadcast_dims(r.g.info(a), r.g.info(b));
  if (!same_type(r.g.info(a), x) || !same_type(x, r.g.info(r.g.output(n))) || !whole || *whole != x.dims().vec()) return false;
  const int64_t axis = axis_of(r.g.attrs(n).i("axis", -1), x.rank());
  if (!fits(r.g, (*m)[kScale], x, axis) || !fits(r.g, (*m)[kBias], x, axis)) return false;
  AttrList attrs;
  attrs.add("axis", axis - x.rank()).add("epsilon", r.g.attrs(n).f("epsilon", 1e-5));
  Graph::New d;
  d.op = Graph::op(op);
  d.in = {a, b, (*m)[kScale], (*m)[kBias]};
  while (!d.in.back()) d.in.pop_back();
  d.attrs = &attrs;
  d.out_names.resize(2);
  d.out_absent = {0, x.n_uses() == 1};
  d.origins = {n, add};
  d.before = add;
  d.name = std::string(r.g.name(n));
  const auto out = r.g.outputs(r.g.add(d));
  r.g.copy_type(out[0], sum);
  r.forward(n, out[0]);
  if (out[1]) {
    r.g.copy_type(out[1], sum);
    r.forward(add, out[1]);
  }
  return true;
}

bool layer(Rewriter& r, tenon_node n) {
  static const Pattern root = op("LayerNormalization", {kSum, either({kScale, absent()}), either({kBias, absent()})});
  return fuse(r, n, root, "SkipLayerNormalization");
}
bool rms(Rewriter& r, tenon_node n) {
  static const Pattern root = op("RMSNormalization", {kSum, kScale});
  return fuse(r, n, root, "SkipRMSNormalization");
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g, {{{"LayerNormalization"}, layer, "layer"}, {{"RMSNormalization"}, rms, "rms"}}).run();
}

}  // namespace

TENON_PASS("fuse-skip-normalization",
           R"("class":"reassociating","summary":"a sum and its LayerNormalization or RMSNormalization become one node","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
