// SPDX-License-Identifier: Apache-2.0
// Topological order and the columns that plugins walk.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "model.hpp"

namespace tenon::core {
namespace {

/// Values that graphs nested in a node read from outside themselves.
template <class F>
void for_each_capture(const Model& m, Slot n, F&& f) {
  const AttrSet* a = m.nodes.attrs[n].get();
  if (!a || !a->has_graphs()) return;
  auto nested = [&](const tenon_graph* g) {
    if (g->shared()) return;
    for (tenon_value v : m.captures(*g)) f(slot(v));
  };
  for (uint64_t k = 0; k < a->size(); ++k) {
    const auto& x = a->data()[k];
    if (x.type == TENON_AT_GRAPH) nested(x.v.graph);
    if (x.type == TENON_AT_GRAPHS)
      for (uint64_t j = 0; j < x.count; ++j) nested(x.v.graphs[j]);
  }
}

/// Values that a node reads: its inputs, and what graphs nested in it read from outside themselves.
template <class F>
void for_each_read(const Model& m, Slot n, F&& f) {
  for (uint32_t k = 0; k < m.nodes.in_count[n]; ++k)
    if (Slot v = m.operands[m.nodes.in_begin[n] + k].value) f(v);
  for_each_capture(m, n, f);
}

/// Numbers by slot that are all zero at the beginning, without a clearing: that would cost the whole model for each nested graph. One at a time.
class Scratch {
 public:
  explicit Scratch(size_t slots) : kept_(kept()) {
    if (kept_.size() < slots) kept_.resize(slots, 0);
  }
  ~Scratch() {
    for (Slot s : used_) kept_[s] = 0;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  uint32_t get(Slot s) const { return kept_[s]; }
  void set(Slot s, uint32_t x) {
    if (!kept_[s]) used_.push_back(s);
    kept_[s] = x;
  }
  void reserve(size_t n) { used_.reserve(n); }

 private:
  static std::vector<uint32_t>& kept() {
    thread_local std::vector<uint32_t> v;
    return v;
  }
  std::vector<uint32_t>& kept_;
  std::vector<Slot> used_;
};

/// Depth first over what nodes read, from each node of the list; so the list's order stays wherever it is one.
class Sorter {
 public:
  Sorter(const Model& m, const tenon_graph& g) : m_(m), g_(g), state_(m.nodes.generation.size()) {}
  Result<std::vector<tenon_node>> run() {
    order_.reserve(g_.n_nodes);
    state_.reserve(g_.n_nodes);
    for (Slot root = g_.first; root; root = m_.nodes.next[root]) {
      if (state_.get(root) == kDone) continue;
      visit(root);
      while (!stack_.empty())
        if (!step()) return fail(cycle());
    }
    return std::move(order_);
  }

 private:
  enum : uint32_t { kNew, kOpen, kDone };
  struct Frame {
    Slot node;
    std::vector<Slot> captured;  ///< made outside of graphs that the node holds, read in them
    size_t at;                   ///< of the reads: first the inputs
  };
  const Model& m_;
  const tenon_graph& g_;
  Scratch state_;
  std::vector<tenon_node> order_;
  std::vector<Frame> stack_;
  Slot back_ = 0;  ///< where the stack meets itself

  /// The node of this graph that makes read `at`; 0 = none.
  Slot needs(const Frame& f) const {
    const Slot v = f.at < m_.nodes.in_count[f.node] ? m_.operands[m_.nodes.in_begin[f.node] + f.at].value : f.captured[f.at - m_.nodes.in_count[f.node]];
    const Slot p = v ? m_.values.producer[v] : 0;
    return p && m_.nodes.graph[p] == g_.index ? p : 0;
  }
  /// Passes over the reads that are done; false when none is left.
  bool waits(Frame& f) const {
    for (const size_t all = m_.nodes.in_count[f.node] + f.captured.size(); f.at < all; ++f.at) {
      const Slot p = needs(f);
      if (p && state_.get(p) != kDone) return true;
    }
    return false;
  }
  void emit(Slot n) {
    state_.set(n, kDone);
    order_.push_back(m_.node_id(n));
  }
  void visit(Slot n) {
    Frame f{n, {}, 0};
    if (m_.nodes.attrs[n] && m_.nodes.attrs[n]->has_graphs())
      for_each_capture(m_, n, [&](Slot v) { f.captured.push_back(v); });
    if (!waits(f)) return emit(n);
    state_.set(n, kOpen);
    stack_.push_back(std::move(f));
  }
  bool step() {
    Frame& f = stack_.back();
    if (!waits(f)) {
      emit(f.node);
      stack_.pop_back();
      return true;
    }
    const Slot p = needs(f);
    if (state_.get(p) == kOpen) return back_ = p, false;
    visit(p);
    return true;
  }
  Error cycle() const {
    std::string names;
    bool on = false;
    for (const auto& f : stack_) {
      on |= f.node == back_;
      if (on && names.size() < 200) names += (names.empty() ? "'" : "', '") + m_.nodes.name[f.node];
    }
    return Error(TENON_E_INVALID, "the graph has a cycle").with("node", names + "'").with("hint", "each node may only read what nodes before it made");
  }
};

}  // namespace

Result<std::vector<tenon_node>> Model::topological(const tenon_graph& g) const { return Sorter(*this, g).run(); }

Result<const tenon_view*> Model::view(tenon_graph& g) {
  if (g.view && g.view->v.epoch == epoch && g.view->type_epoch == type_epoch) return &g.view->v;
  auto order = topological(g);
  if (!order) return fail(std::move(order.error()));
  auto s = std::make_shared<ViewStorage>();
  s->node = std::move(*order);
  Scratch rows(values.generation.size());  // row + 1
  rows.reserve(s->node.size() * 2);
  auto row = [&](Slot v) {
    if (!rows.get(v)) {
      s->value.push_back(value_id(v));
      rows.set(v, static_cast<uint32_t>(s->value.size()));
    }
    return rows.get(v) - 1;
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
