// SPDX-License-Identifier: Apache-2.0
// outline-repeats: parts that a model repeats become one graph that Call nodes share. Nodes get labels by what they compute (operator,
// attributes, types, small constants); the nodes of one label grow together along equal edges; of what grew, the repeat that saves most
// nodes is taken first. Every repeat is compared edge by edge before it is taken, and stands together in some topological order.
#include <tenon/plugin.hpp>
#include <tenon/rewriting.hpp>

#include <algorithm>
#include <queue>

#include "outline/body.hpp"
#include "outline/order.hpp"

namespace tenon::passes {
namespace {

using namespace outline;

struct Limits {
  size_t min_nodes, min_repeats;
};

/// One round over the model as it is.
class Round {
 public:
  Round(Graph& main, const Limits& limits) : main_(main), limits_(limits), t_(make_table(main)), order_(t_), taken_(t_.size()), growth_(t_, taken_, limits.min_repeats), of_label_(t_.n_labels) {
    for (uint32_t n = 0; n < t_.size(); ++n)
      if (t_.label[n] != kNone) of_label_[t_.label[n]].push_back(n);
  }
  NodeTable& table() { return t_; }

  /// Groups of equal parts, none of which touches another, members in topological order.
  std::vector<std::vector<std::vector<uint32_t>>> run() {
    find_candidates();
    std::vector<std::vector<std::vector<uint32_t>>> groups;
    while (!queue_.empty()) {
      Candidate c = queue_.top();
      queue_.pop();
      if (is_stale(c)) {
        push(c.label);
        continue;
      }
      auto group = take(c.repeats);
      if (group.empty()) continue;
      groups.push_back(std::move(group));
      push(c.label);
    }
    return groups;
  }

 private:
  struct Candidate {
    int64_t saved;
    uint32_t label;
    Repeats repeats;
    bool operator<(const Candidate& o) const { return saved != o.saved ? saved < o.saved : label > o.label; }
  };
  Graph& main_;
  Limits limits_;
  NodeTable t_;
  Order order_;
  std::vector<uint8_t> taken_;
  Growth growth_;
  std::vector<std::vector<uint32_t>> of_label_;
  std::priority_queue<Candidate> queue_;

  Repeats grown(uint32_t label) {
    return same_wiring(t_, join_chains(t_, growth_.run(of_label_[label]), limits_.min_nodes));
  }
  bool worthwhile(const Repeats& r) const { return r.instances.size() >= limits_.min_repeats && own_nodes(t_, r) >= limits_.min_nodes && r.saved() > 0; }
  void push(uint32_t label) {
    Repeats r = grown(label);
    if (worthwhile(r)) queue_.push({r.saved(), label, std::move(r)});
  }
  /// Rare labels first: what grows from them covers most. A label all of whose nodes are covered would grow to the same.
  void find_candidates() {
    std::vector<uint32_t> labels;
    for (uint32_t l = 0; l < t_.n_labels; ++l)
      if (of_label_[l].size() >= limits_.min_repeats) labels.push_back(l);
    std::stable_sort(labels.begin(), labels.end(), [&](uint32_t a, uint32_t b) { return of_label_[a].size() < of_label_[b].size(); });
    std::vector<size_t> covered(t_.n_labels);
    std::vector<uint8_t> seen(t_.size());
    for (uint32_t l : labels) {
      if (covered[l] == of_label_[l].size()) continue;
      Repeats r = grown(l);
      if (!worthwhile(r)) continue;
      for (const auto& i : r.instances)
        for (uint32_t n : i)
          if (!std::exchange(seen[n], 1)) ++covered[t_.label[n]];
      queue_.push({r.saved(), l, std::move(r)});
    }
  }
  bool is_stale(const Candidate& c) const {
    for (const auto& i : c.repeats.instances)
      for (uint32_t n : i)
        if (taken_[n]) return true;
    return false;
  }
  /// Those that can stand together in the order; nothing when they are too few.
  std::vector<std::vector<uint32_t>> take(const Repeats& r) {
    Repeats fit;
    for (const auto& i : r.instances)
      if (order_.gather(i)) fit.instances.push_back(i);
    if (!worthwhile(fit)) {
      for (const auto& i : fit.instances) order_.release(i);
      return {};
    }
    for (const auto& i : fit.instances)
      for (uint32_t n : i) taken_[n] = 1;
    return in_order(fit.instances);
  }
  /// One order for all: the first one's, which suits each, since they are wired alike.
  std::vector<std::vector<uint32_t>> in_order(const std::vector<std::vector<uint32_t>>& instances) const {
    std::vector<uint32_t> index(instances[0].size());
    for (uint32_t k = 0; k < index.size(); ++k) index[k] = k;
    std::sort(index.begin(), index.end(), [&](uint32_t a, uint32_t b) { return order_.position(instances[0][a]) < order_.position(instances[0][b]); });
    std::vector<std::vector<uint32_t>> r;
    for (const auto& i : instances) {
      r.emplace_back();
      for (uint32_t k : index) r.back().push_back(i[k]);
    }
    return r;
  }
};

uint64_t run(const Ctx& ctx, Graph& g) {
  const Limits limits{static_cast<size_t>(ctx.option("/min-nodes", int64_t{4})), static_cast<size_t>(ctx.option("/min-repeats", int64_t{2}))};
  const RewriteCount count(ctx);
  uint64_t bodies = 0, calls = 0, nodes = 0, bytes = 0, before = 0;
  // What calls of one round repeat is for the next one; each round leaves fewer nodes.
  for (bool changed = true; changed;) {
    changed = false;
    Round round(g, limits);
    if (!before) before = round.table().size();
    for (const auto& group : round.run()) {
      if (!count.may_rewrite(round.table().graph[group[0][0]], round.table().id[group[0][0]])) break;
      const Outlined o = make_body(g, round.table(), group, "repeat_" + std::to_string(++bodies));
      count.rewritten();
      calls += o.calls;
      nodes += o.nodes;
      bytes += o.constant_bytes;
      changed = true;
    }
  }
  ctx.metric("bodies", static_cast<double>(bodies));
  ctx.metric("calls", static_cast<double>(calls));
  ctx.metric("nodes-before", static_cast<double>(before));
  ctx.metric("nodes-after", static_cast<double>(before - nodes));
  ctx.metric("nodes-shared", static_cast<double>(nodes));
  ctx.metric("constant-bytes-shared", static_cast<double>(bytes));
  return bodies;
}

}  // namespace

TENON_PASS("outline-repeats",
           R"("class":"exact","summary":"make one graph of what a model repeats, and call it","options":{"type":"object","properties":{"min-nodes":{"type":"integer","minimum":2,"default":4,"description":"nodes that a repeat has at least"},"min-repeats":{"type":"integer","minimum":2,"default":2,"description":"times that it occurs at least"}},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
