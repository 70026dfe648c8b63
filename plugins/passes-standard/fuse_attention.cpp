// SPDX-License-Identifier: Apache-2.0
// fuse-attention: softmax(scale Q K^T + mask) V becomes one Attention, whatever the spelling: the scale on the scores, on Q, on K or on
// both; masks added, or put in by Where; triangles as causal masks; repeated heads of grouped queries; keys and values appended to a
// cache. Where heads were made by Reshape and Transpose of [batch, steps, hidden] Attention takes that form, and the reordering
// goes on both sides; queries, keys and values that lie side by side in one value become the parts of one Split.
//
// Where no key of a query is visible because the mask is -inf everywhere, Attention gives 0 and the formula NaN.
#include <tenon/plugin.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/factors.hpp"
#include "common/heads.hpp"
#include "common/scores.hpp"
#include "common/shapes.hpp"
#include <tenon/rewriter.hpp>

namespace tenon::passes {
namespace {

using Nodes = std::vector<tenon_node>;

/// Queries, keys or values on their way back to where heads are split.
struct Heads {
  tenon_value v = 0;
  bool swapped = false;     ///< [.., size, steps]
  tenon_value past = 0;     ///< a cache that v is appended to
  tenon_node append = 0;
};

/// Takes scalar factors off.
tenon_value without_scale(Rewriter& r, tenon_value v, double* scale, Nodes* nodes) {
  const Product p = product(r, v);
  if (p.factors.size() != 1 || p.factors[0] == v || !std::isfinite(p.coefficient) || !same_type(r.g.info(v), r.g.info(p.factors[0]))) return v;
  nodes->insert(nodes->end(), p.nodes.begin(), p.nodes.end());
  *scale *= p.coefficient;
  return p.factors[0];
}

void unswap(Rewriter& r, Heads* h, Nodes* nodes) {
  const tenon_node t = h->swapped ? r.made_by(h->v, "Transpose") : 0;
  if (!t || r.g.attrs(t).ints("perm") != std::vector<int64_t>{0, 1, 3, 2}) return;
  nodes->push_back(t);
  h->v = r.g.input(t, 0);
  h->swapped = false;
}

/// [B, heads, S, D] repeated to [B, heads * n, S, D]: Unsqueeze or Reshape to [B, heads, 1, S, D], Expand, Reshape.
tenon_value without_repeats(Rewriter& r, tenon_value v, Nodes* nodes) {
  const tenon_node reshape = r.made_by(v, "Reshape");
  const tenon_node expand = reshape ? r.made_by(r.g.input(reshape, 0), "Expand") : 0;
  const tenon_value inner = expand ? r.g.input(expand, 0) : 0;
  tenon_node widen = inner ? r.made_by(inner, "Unsqueeze") : 0;
  if (inner && !widen) widen = r.made_by(inner, "Reshape");
  if (!widen) return v;
  const tenon_value x = r.g.input(widen, 0);
  const ValueInfo to = r.g.info(v), wide = r.g.info(r.g.input(reshape, 0)), narrow = r.g.info(inner), from = r.g.info(x);
  if (!known(to) || !known(wide) || !known(narrow) || !known(from)) return v;
  if (from.rank() != 4 || to.rank() != 4 || wide.rank() != 5 || narrow.rank() != 5) return v;
  const int64_t heads = from.dim(1), repeats = wide.dim(2);
  if (heads < 1 || repeats < 1 || to.dim(1) != heads * repeats || narrow.dim(2) != 1) return v;
  for (int32_t k : {0, 2, 3})
    if (from.dim(k) != to.dim(k)) return v;
  for (int32_t k : {0, 1, 3, 4}) {
    const int64_t own = from.dim(k < 2 ? k : k - 1);
    if (wide.dim(k) != own || narrow.dim(k) != own) return v;
  }
  nodes->insert(nodes->end(), {reshape, expand, widen});
  return x;
}

/// Nodes that go, and values that they leave behind.
struct Absorbed {
  const Nodes& nodes;
  std::vector<tenon_value> kept;
};
/// Whatever reads v goes, or serves only what goes.
bool only_for(Rewriter& r, tenon_value v, const Absorbed& a, int depth = 0) {
  const Nodes& nodes = a.nodes;
  if (std::find(a.kept.begin(), a.kept.end(), v) != a.kept.end()) return false;
  for (tenon_node u : r.g.uses(v)) {
    if (std::find(nodes.begin(), nodes.end(), u) != nodes.end()) continue;
    if (depth == 8 || !r.here(u) || !held_graphs(r.g, u).empty()) return false;
    for (tenon_value o : r.g.outputs(u))
      if (o && (r.g.info(o).is_output() || r.g.uses(o).empty() || !only_for(r, o, a, depth + 1))) return false;
  }
  return true;
}

/// Concat(past, v) over the steps, which only this attention reads, and which may be an output of the graph.
void take_cache(Rewriter& r, Heads* h, const Absorbed& a) {
  const tenon_node n = h->swapped ? 0 : r.made_by(h->v, "Concat");
  if (!n || r.g.inputs(n).size() != 2) return;
  const ValueInfo i = r.g.info(h->v);
  if (!only_for(r, h->v, a) || i.rank() != 4 || axis_of(r.g.attrs(n).i("axis"), 4) != 2) return;
  const ValueInfo past = r.g.info(r.g.input(n, 0)), fresh = r.g.info(r.g.input(n, 1));
  if (!known(past) || !known(fresh) || past.rank() != 4) return;
  h->past = r.g.input(n, 0);
  h->append = n;
  h->v = r.g.input(n, 1);
}

tenon_value materialized(Rewriter& r, tenon_node root, const Heads& h) {
  if (!h.swapped) return h.v;
  const ValueInfo i = r.g.info(h.v);
  tenon_value x = h.v;
  std::vector<int64_t> perm = {0, 1, 3, 2};
  if (const tenon_node t = r.made_by(h.v, "Transpose")) {
    perm = r.g.attrs(t).ints("perm", {3, 2, 1, 0});
    std::swap(perm[2], perm[3]);
    x = r.g.input(t, 0);
  }
  if (perm == std::vector<int64_t>{0, 1, 2, 3}) return x;
  const tenon_value y = r.emit(root, "Transpose", {x}, AttrList{}.set("perm", perm));
  r.g.set_type(y, i.type(), Dims{i.dim(0), i.dim(1), i.dim(3), i.dim(2)});
  return y;
}

/// The reordering of heads after Attention, and the Reshape to hidden after that.
struct Merge {
  tenon_node transpose = 0, reshape = 0;
};
std::optional<Merge> merged_heads(Rewriter& r, tenon_value y) {
  const Ids uses = r.g.uses(y);
  if (!r.single_use(y) || uses.size() != 1 || !r.is(uses[0], "Transpose") || !r.here(uses[0])) return std::nullopt;
  const ValueInfo i = r.g.info(y);
  std::vector<int64_t> order, wanted;
  for (int64_t k : r.g.attrs(uses[0]).ints("perm"))
    if (i.dim(static_cast<int32_t>(k)) != 1) order.push_back(k);
  for (int64_t k : {0, 2, 1, 3})
    if (i.dim(static_cast<int32_t>(k)) != 1) wanted.push_back(k);
  if (order != wanted) return std::nullopt;
  Merge m{uses[0], 0};
  const tenon_value t = r.g.output(m.transpose);
  const Ids after = r.g.uses(t);
  if (r.single_use(t) && after.size() == 1 && r.is(after[0], "Reshape") && r.here(after[0])) m.reshape = after[0];
  return m;
}

/// Everything that was read of one attention.
struct Found {
  Scores scores;
  Heads q, k, v;
  int64_t heads = 0, kv_heads = 0;
  ValueInfo shape;  ///< of the scores
};

std::optional<Found> find(Rewriter& r, tenon_node n) {
  const tenon_node softmax = r.made_by(r.g.input(n, 0), "Softmax");
  if (!softmax || !r.single_use(r.g.input(n, 0))) return std::nullopt;
  Found f;
  f.shape = r.g.info(r.g.input(softmax, 0));
  const int32_t rank = f.shape.rank();
  if (rank != 4 || axis_of(r.g.attrs(softmax).i("axis", -1), rank) != 3 || !known(f.shape) || !is_float(f.shape.type())) return std::nullopt;
  if (!read_scores(r, r.g.input(softmax, 0), &f.scores)) return std::nullopt;
  Nodes& nodes = f.scores.nodes;
  nodes.push_back(softmax);
  const tenon_value q = r.g.input(f.scores.product, 0), kt = r.g.input(f.scores.product, 1), v = r.g.input(n, 1);
  const ValueInfo qi = r.g.info(q), ki = r.g.info(kt), vi = r.g.info(v), y = r.g.info(r.g.output(n));
  if (!known(qi) || !known(ki) || !known(vi) || !known(y) || qi.rank() != 4 || ki.rank() != 4 || vi.rank() != 4) return std::nullopt;
  for (int32_t k : {0, 1})
    if (qi.dim(k) != ki.dim(k) || qi.dim(k) != vi.dim(k)) return std::nullopt;
  if (ki.dim(3) != vi.dim(2) || qi.dim(3) < 1 || vi.dim(3) < 1) return std::nullopt;
  f.q.v = without_scale(r, q, &f.scores.scale, &nodes);
  f.k = {without_scale(r, kt, &f.scores.scale, &nodes), true};
  f.v.v = v;
  unswap(r, &f.k, &nodes);
  f.k.v = without_scale(r, f.k.v, &f.scores.scale, &nodes);
  f.heads = f.kv_heads = qi.dim(1);
  Nodes repeats;
  const tenon_value k1 = f.k.swapped ? f.k.v : without_repeats(r, f.k.v, &repeats), v1 = without_repeats(r, f.v.v, &repeats);
  if (!f.k.swapped && k1 != f.k.v && v1 != f.v.v && r.g.info(k1).dim(1) == r.g.info(v1).dim(1)) {
    f.k.v = k1, f.v.v = v1;
    f.kv_heads = r.g.info(k1).dim(1);
    nodes.insert(nodes.end(), repeats.begin(), repeats.end());
  }
  Heads k = f.k, w = f.v;
  nodes.push_back(n);
  Absorbed a{nodes, f.scores.added};
  a.kept.push_back(f.q.v);
  if (f.scores.choice) a.kept.push_back(f.scores.choice->condition);
  take_cache(r, &k, a);
  take_cache(r, &w, a);
  nodes.pop_back();
  if (k.past && w.past && k.append != w.append) f.k = k, f.v = w;
  return f;
}

/// Adds the node; its outputs.
std::vector<tenon_value> make(Rewriter& r, tenon_node n, const Found& f, const Mask& mask, const std::vector<tenon_value>& qkv, const Nodes& more) {
  const bool flat = r.g.info(qkv[0]).rank() == 3, cached = f.k.past != 0;
  AttrList attrs;
  attrs.add("scale", f.scores.scale);
  if (mask.causal) attrs.add("is_causal", 1);
  if (flat) attrs.add("q_num_heads", f.heads).add("kv_num_heads", f.kv_heads);
  if (f.scores.cap != 0) attrs.add("softcap", f.scores.cap);
  Graph::New d;
  d.op = Graph::op("Attention");
  d.in = {qkv[0], qkv[1], qkv[2]};
  if (mask.value || cached) d.in.push_back(mask.value);
  if (cached) d.in.insert(d.in.end(), {f.k.past, f.v.past});
  d.attrs = &attrs;
  d.out_names.resize(cached ? 3 : 1);
  if (cached) d.out_absent = {0, !r.g.info(r.g.output(f.k.append)).is_output(), !r.g.info(r.g.output(f.v.append)).is_output()};
  d.origins = {n};
  for (const Nodes& list : {f.scores.nodes, more})
    for (tenon_node o : list)
      if (std::find(d.origins.begin(), d.origins.end(), o) == d.origins.end()) d.origins.push_back(o);
  d.before = n;
  d.name = std::string(r.g.name(n));
  return r.g.outputs(r.g.add(d));
}

std::optional<std::vector<tenon_value>> flat_operands(Rewriter& r, tenon_node n, const Found& f) {
  const ValueInfo q = r.g.info(f.q.v), k = r.g.info(f.k.v), v = r.g.info(f.v.v);
  const int64_t steps = k.dim(f.k.swapped ? 3 : 2), size = k.dim(f.k.swapped ? 2 : 3);
  std::vector<FlatOperand> operands = {{flats_of(r, f.q.v, false, f.heads, q.dim(3)), q.dim(0), q.dim(2)},
                                       {flats_of(r, f.k.v, f.k.swapped, f.kv_heads, size), k.dim(0), steps},
                                       {flats_of(r, f.v.v, false, f.kv_heads, v.dim(3)), v.dim(0), v.dim(2)}};
  for (const auto& o : operands)
    if (o.forms.empty()) return std::nullopt;
  return flattened(r, n, operands);
}

bool moves(const Rewriter& r, tenon_node n) {
  for (const char* op : {"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split", "Identity"})
    if (r.is(n, op)) return r.here(n);
  return false;
}

/// Movements between `operand` and v, which stands closer to the outputs: Attention reads the operand instead, so their work is its own.
void add_movements(const Rewriter& r, tenon_value v, tenon_value operand, Nodes* nodes) {
  std::vector<tenon_value> stops = {operand};
  for (int k = 0; k < 2; ++k)
    if (const tenon_node n = r.g.producer(stops.back()); moves(r, n)) stops.push_back(r.g.input(n, 0));
  for (int depth = 0; depth < 16 && std::find(stops.begin(), stops.end(), v) == stops.end(); ++depth) {
    const tenon_node n = r.g.producer(v);
    if (!moves(r, n)) return;
    nodes->push_back(n);
    v = r.g.input(n, 0);
  }
}

/// y, [batch, steps, hidden], takes the place of the merged heads.
void hand_on(Rewriter& r, const Merge& merge, tenon_value y, const ValueInfo& split) {
  const tenon_node last = merge.reshape ? merge.reshape : merge.transpose;
  const ValueInfo wanted = r.g.info(r.g.output(last));
  if (wanted.dims().vec() == r.g.info(y).dims()) {
    r.forward(last, y);
  } else if (const auto target = reshape_target(wanted)) {
    r.replace(last, {"Reshape", {y, r.g.add_ints("", *target)}});
  } else {
    // Where two dimensions are no numbers they are those of batch and steps, and stay where they are.
    const auto inner = reshape_target(r.g.info(r.g.output(merge.transpose)));
    r.replace(merge.transpose, {"Reshape", {y, r.g.add_ints("", inner ? *inner : Dims{0, 0, split.dim(1), split.dim(3)})}});
  }
}

bool attention(Rewriter& r, tenon_node n) {
  const auto f = find(r, n);
  if (!f) return false;
  const tenon_value y = r.g.output(n);
  const ValueInfo q = r.g.info(f->q.v), yi = r.g.info(y);
  const auto merge = merged_heads(r, y);
  const auto mask = mask_of(r, n, f->scores, f->shape, f->k.past != 0);
  if (!mask) return false;
  const auto flat = merge ? flat_operands(r, n, *f) : std::nullopt;
  Nodes more;
  for (tenon_node o : {f->k.append, f->v.append, flat ? merge->transpose : tenon_node{0}, flat ? merge->reshape : tenon_node{0}})
    if (o) more.push_back(o);
  const std::vector<tenon_value> qkv = flat ? *flat : std::vector<tenon_value>{materialized(r, n, f->q), materialized(r, n, f->k), materialized(r, n, f->v)};
  const Heads* operands[] = {&f->q, &f->k, &f->v};
  for (size_t k = 0; k < 3; ++k) add_movements(r, operands[k]->v, qkv[k], &more);
  const std::vector<tenon_value> out = make(r, n, *f, *mask, qkv, more);
  const tenon_node made = r.g.producer(out[0]);
  const tenon_node appends[] = {f->k.append, f->v.append};
  for (size_t k = 0; k < 2; ++k)
    if (appends[k] && out[k + 1]) r.g.copy_type(out[k + 1], r.g.output(appends[k]));
  if (flat) {
    r.g.set_type(out[0], yi.type(), Dims{q.dim(0), q.dim(2), f->heads * yi.dim(3)});
    hand_on(r, *merge, out[0], yi);
  } else {
    r.g.copy_type(out[0], y);
    r.forward(n, out[0]);
  }
  for (size_t k = 0; k < 2; ++k)
    if (appends[k] && out[k + 1]) r.forward(appends[k], out[k + 1]);
  return r.g.alive(made);
}

uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"MatMul"}, attention, "attention"}}).run(); }

}  // namespace

TENON_PASS("fuse-attention",
           R"("class":"reassociating","summary":"MatMul, scale, mask, Softmax, MatMul and the reordering of heads around them become one Attention","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
