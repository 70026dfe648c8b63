// SPDX-License-Identifier: Apache-2.0
// infer_nested.cpp - types of graphs that are attributes: of one node, or shared by several.
#include <algorithm>

#include "infer_frame.hpp"

namespace tenon::core {
namespace {

/// What is true of both.
Fact join(const Fact& a, const Fact& b) {
  Fact r = a;
  if (a.elements != b.elements) r.elements.reset();
  if (a.type.dtype != b.type.dtype) r.type.dtype = {};
  if (a.type.rank != b.type.rank) {
    r.type.rank = TENON_RANK_UNKNOWN;
    r.type.dims.clear();
  }
  for (size_t k = 0; k < r.type.dims.size(); ++k)
    if (a.type.dims[k] != b.type.dims[k]) r.type.dims[k] = TENON_DIM_UNKNOWN;
  return r;
}

/// Facts of what is handed to a nested graph. Inputs of the node itself bring their elements along.
std::vector<Fact> facts_of(InferFrame& f, const tenon_tensor* const* in, uint32_t n_in) {
  std::vector<Fact> r(n_in);
  for (uint32_t k = 0; k < n_in; ++k) {
    if (!in[k]) continue;
    r[k].type = {in[k]->type, in[k]->rank, {}};
    if (in[k]->rank > 0) r[k].type.dims.assign(in[k]->dim, in[k]->dim + in[k]->rank);
    if (in[k]->data) {
      r[k].elements = constant_elements(*in[k]);
      continue;
    }
    const auto own = std::find(f.in.begin(), f.in.end(), in[k]);
    if (own == f.in.end()) continue;
    const auto it = f.impl->shape_values.find(f.in_ids[static_cast<size_t>(own - f.in.begin())]);
    if (it != f.impl->shape_values.end()) r[k].elements = it->second;
  }
  return r;
}

/// Facts of the inputs as the last inference left them: true of the calls that are not looked at again.
std::vector<Fact> facts_inside(const InferFrame& f, const tenon_graph& g) {
  std::vector<Fact> r;
  for (tenon_value v : g.inputs) {
    const auto it = f.impl->shape_values.find(v);
    r.push_back({f.impl->model.type(v), it == f.impl->shape_values.end() ? std::nullopt : std::optional<Dims>(it->second)});
  }
  return r;
}

Status infer_once(InferFrame& f, tenon_graph& g, const std::vector<Fact>& facts) {
  Model& m = f.impl->model;
  for (size_t k = 0; k < facts.size(); ++k) {
    const ValueType& t = facts[k].type;
    TENON_TRY(m.set_type(g.inputs[k], t.dtype, t.rank, t.dims.data()));
    if (facts[k].elements) f.impl->shape_values[g.inputs[k]] = *facts[k].elements;
    else f.impl->shape_values.erase(g.inputs[k]);
  }
  auto order = m.topological(g);
  if (!order) return fail(std::move(order.error()));
  for (tenon_node n : *order) TENON_TRY(f.owner->node(n));
  return {};
}

/// Do the outputs have only such names in their sizes as the inputs have?
bool repeatable(const Model& m, const tenon_graph& g) {
  std::vector<std::string> known;
  std::vector<int64_t> sizes;
  auto add_names = [&](int64_t d) {
    for (auto& name : m.symbols.names_of(d)) known.push_back(std::move(name));
  };
  auto each = [&](const std::vector<tenon_value>& values, auto&& f) {
    for (tenon_value v : values)
      for (int64_t d : m.type(v).dims)
        if (d < TENON_DIM_UNKNOWN && std::find(sizes.begin(), sizes.end(), d) == sizes.end()) f(d);
  };
  each(g.inputs, [&](int64_t d) {
    sizes.push_back(d);
    add_names(d);
  });
  bool all = true;
  each(g.outputs, [&](int64_t d) {
    for (const auto& name : m.symbols.names_of(d)) all &= std::find(known.begin(), known.end(), name) != known.end();
  });
  return all;
}

/// Is there a node that holds the graph and will not be looked at, since nothing has changed for it?
bool some_stay(const Model& m, const tenon_graph& g) {
  return std::any_of(g.holders.begin(), g.holders.end(), [&](tenon_node n) { return !(m.nodes.stale[slot(n)] & kUninferred); });
}

/// Leaves the outputs with the types of this use in f.shared_out, and the values inside with those of all uses so far.
Status infer_shared(InferFrame& f, tenon_graph& g, const tenon_tensor* const* in, uint32_t n_in) {
  Model& m = f.impl->model;
  const std::vector<Fact> facts = facts_of(f, in, n_in);
  SharedTypes& known = f.impl->shared[g.index];
  const bool fresh = known.inputs.size() != n_in || known.epoch != m.epoch;
  const bool same = !fresh && known.repeatable && known.inputs == facts;
  const std::vector<Fact> facts_before = facts_inside(f, g);
  if (!same) TENON_TRY(infer_once(f, g, facts));
  f.shared_out.clear();
  for (tenon_value v : g.outputs) f.shared_out.push_back(m.type(v));
  std::vector<Fact> all = facts;
  if (fresh) known.inputs = f.impl->only_changes && some_stay(m, g) ? facts_before : facts;
  for (size_t k = 0; k < all.size(); ++k) all[k] = join(all[k], known.inputs[k]);
  if (!(all == facts)) TENON_TRY(infer_once(f, g, all));
  known = {m.epoch, std::move(all), repeatable(m, g)};
  return {};
}

}  // namespace

tenon_error* TENON_CALL infer_nested(const tenon_node_info* i, tenon_graph* g, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor* const** out, uint32_t* n_out) noexcept {
  return protect([&]() -> Status {
    auto& f = *static_cast<InferFrame*>(i->self);
    if (n_in != g->inputs.size())
      return fail(Error(TENON_E_INVALID, "a nested graph is given another number of inputs than it has").with("expected", std::to_string(g->inputs.size())).with("found", std::to_string(n_in)));
    TENON_TRY(g->shared() ? infer_shared(f, *g, in, n_in) : infer_once(f, *g, facts_of(f, in, n_in)));
    f.graph_out.clear();
    for (size_t k = 0; k < g->outputs.size(); ++k)
      f.graph_out.push_back(g->shared() ? f.type_tensor(f.shared_out[k]) : f.type_tensor(g->outputs[k]));
    *out = f.graph_out.data();
    *n_out = static_cast<uint32_t>(f.graph_out.size());
    return {};
  });
}

void touch_around(Model& m, Slot n) {
  const tenon_graph& g = m.graphs[m.nodes.graph[n]];
  for (tenon_node holder : g.holders) {
    m.touch(slot(holder));
    touch_around(m, slot(holder));
  }
}

Status infer_inside(Inference& owner, Model& m, tenon_node n) {
  const AttrSet* a = m.attrs(n);
  if (!a || !a->has_graphs()) return {};
  auto keep = m.nodes.attrs[slot(n)];
  for (uint64_t k = 0; k < keep->size(); ++k) {
    if (keep->data()[k].type != TENON_AT_GRAPH) continue;
    auto order = m.topological(*keep->data()[k].v.graph);
    if (!order) return fail(std::move(order.error()));
    for (tenon_node inner : *order) TENON_TRY(owner.node(inner));
  }
  return {};
}

}  // namespace tenon::core
