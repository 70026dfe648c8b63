// SPDX-License-Identifier: Apache-2.0
// Topological order and the columns that plugins walk.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "model.hpp"

namespace tenon::core {
namespace {

/// Values that a node reads: its inputs, and what graphs nested in it read from outside themselves.
template <class F>
void for_each_read(const Model& m, Slot n, F&& f) {
  for (uint32_t k = 0; k < m.nodes.in_count[n]; ++k)
    if (Slot v = m.operands[m.nodes.in_begin[n] + k].value) f(v);
  const AttrSet* a = m.nodes.attrs[n].get();
  if (!a || !a->has_graphs()) return;
  auto nested = [&](const tenon_graph* g) {
    for (tenon_value v : m.captures(*g)) f(slot(v));
  };
  for (uint64_t k = 0; k < a->size(); ++k) {
    const auto& x = a->data()[k];
    if (x.type == TENON_AT_GRAPH) nested(x.v.graph);
    if (x.type == TENON_AT_GRAPHS)
      for (uint64_t j = 0; j < x.count; ++j) nested(x.v.graphs[j]);
  }
}

}  // namespace

Result<std::vector<tenon_node>> Model::topological(const tenon_graph& g) const {
  std::vector<tenon_node> order;
  order.reserve(g.n_nodes);
  enum : uint8_t { kNew, kOpen, kDone };
  std::vector<uint8_t> state(nodes.generation.size(), kNew);
  struct Frame {
    Slot node;
    std::vector<Slot> needs;
    size_t at = 0;
  };
  std::vector<Frame> stack;
  auto open = [&](Slot n) {
    state[n] = kOpen;
    Frame f{n, {}, 0};
    for_each_read(*this, n, [&](Slot v) {
      Slot p = values.producer[v];
      if (p && nodes.graph[p] == g.index && state[p] != kDone) f.needs.push_back(p);
    });
    stack.push_back(std::move(f));
  };
  for (Slot root = g.first; root; root = nodes.next[root]) {
    if (state[root] == kDone) continue;
    open(root);
    while (!stack.empty()) {
      Frame& f = stack.back();
      if (f.at == f.needs.size()) {
        state[f.node] = kDone;
        order.push_back(node_id(f.node));
        stack.pop_back();
        continue;
      }
      Slot p = f.needs[f.at++];
      if (state[p] == kDone) continue;
      if (state[p] == kOpen) {
        std::string names;
        bool on = false;
        for (const auto& x : stack) {
          on |= x.node == p;
          if (on && names.size() < 200) names += (names.empty() ? "'" : "', '") + nodes.name[x.node];
        }
        return fail(Error(TENON_E_INVALID, "the graph has a cycle").with("node", names + "'").with("hint", "each node may only read what nodes before it made"));
      }
      open(p);
    }
  }
  return order;
}

Result<const tenon_view*> Model::view(tenon_graph& g) {
  if (g.view && g.view->v.epoch == epoch && g.view->type_epoch == type_epoch) return &g.view->v;
  auto order = topological(g);
  if (!order) return fail(std::move(order.error()));
  auto s = std::make_shared<ViewStorage>();
  s->node = std::move(*order);
  std::unordered_map<Slot, uint32_t> rows;
  rows.reserve(s->node.size() * 2);
  auto row = [&](Slot v) {
    auto [it, fresh] = rows.try_emplace(v, static_cast<uint32_t>(s->value.size()));
    if (fresh) s->value.push_back(value_id(v));
    return it->second;
  };
  for (tenon_value v : g.inputs) row(slot(v));
  std::vector<std::pair<uint32_t, uint32_t>> uses;  // value row, node row
  std::vector<std::pair<uint32_t, uint32_t>> made;
  s->in_off.push_back(0);
  s->out_off.push_back(0);
  for (uint32_t r = 0; r < s->node.size(); ++r) {
    Slot n = slot(s->node[r]);
    s->op.push_back(nodes.op[n]);
    bool graphs_inside = nodes.attrs[n] && nodes.attrs[n]->has_graphs();
    s->nflags.push_back(graphs_inside ? TENON_NF_SUBGRAPHS : 0);
    for (uint32_t k = 0; k < nodes.in_count[n]; ++k) {
      Slot v = operands[nodes.in_begin[n] + k].value;
      s->in_val.push_back(v ? row(v) : TENON_ROW_NONE);
    }
    for_each_read(*this, n, [&](Slot v) { uses.emplace_back(row(v), r); });
    for (uint32_t k = 0; k < nodes.out_count[n]; ++k) {
      Slot v = slot(results[nodes.out_begin[n] + k]);
      s->out_val.push_back(v ? row(v) : TENON_ROW_NONE);
      if (v) made.emplace_back(s->out_val.back(), r);
    }
    s->in_off.push_back(s->in_val.size());
    s->out_off.push_back(s->out_val.size());
  }
  for (tenon_value v : g.outputs) row(slot(v));
  s->producer.assign(s->value.size(), TENON_ROW_NONE);
  for (auto [v, r] : made) s->producer[v] = r;
  s->use_off.assign(s->value.size() + 1, 0);
  uses.erase(std::unique(uses.begin(), uses.end()), uses.end());
  for (auto [v, r] : uses) ++s->use_off[v + 1];
  for (size_t i = 1; i < s->use_off.size(); ++i) s->use_off[i] += s->use_off[i - 1];
  s->use_node.resize(uses.size());
  std::vector<uint64_t> at(s->use_off.begin(), s->use_off.end() - 1);
  for (auto [v, r] : uses) s->use_node[at[v]++] = r;
  s->dim_off.push_back(0);
  for (tenon_value id : s->value) {
    Slot v = slot(id);
    s->dtype.push_back(values.dtype[v]);
    s->rank.push_back(values.rank[v]);
    if (values.rank[v] > 0) s->dim.insert(s->dim.end(), dims(v), dims(v) + values.rank[v]);
    s->dim_off.push_back(s->dim.size());
    uint8_t flags = values.flags[v];
    if (!(flags & TENON_VF_CONSTANT) && values.graph[v] != g.index) flags |= TENON_VF_CAPTURED;
    s->vflags.push_back(flags);
  }
  s->v = {sizeof(tenon_view), 0, epoch, s->node.size(), s->value.size(), s->node.data(), s->op.data(), s->in_off.data(), s->in_val.data(),
          s->out_off.data(), s->out_val.data(), s->value.data(), s->producer.data(), s->use_off.data(), s->use_node.data(), s->dtype.data(),
          s->rank.data(), s->dim_off.data(), s->dim.data(), s->vflags.data(), s->nflags.data()};
  s->type_epoch = type_epoch;
  g.view = std::move(s);
  return &g.view->v;
}

}  // namespace tenon::core
