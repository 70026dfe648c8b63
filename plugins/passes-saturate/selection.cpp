// SPDX-License-Identifier: Apache-2.0
#include "selection.hpp"

#include <algorithm>
#include <limits>

namespace tenon::saturate {
namespace {

constexpr double kLeast = 1e-3;  // nanoseconds: keeps trees without an own cost from growing around in circles
constexpr int kMostRounds = 16;

}  // namespace

Selection::Selection(const EGraph& e, CostModel& costs)
    : e_(e), cost_(e.n_works()), outputs_(e.n_works()), chosen_(e.n_classes(), kNoId), refs_(e.n_classes()), work_refs_(e.n_works()), position_(e.n_classes()) {
  for (NodeId n = 0; n < e.n_expressions(); ++n) outputs_[e.expression(n).work].push_back(n);
  for (WorkId w = 0; w < e.n_works(); ++w) {
    std::vector<ClassId> out;
    for (NodeId n : outputs_[w]) out.push_back(e.find(e.expression(n).cls));
    cost_[w] = costs.work(e, w, out);
  }
}

void Selection::choose_trees() {
  std::vector<double> best(e_.n_classes(), std::numeric_limits<double>::infinity());
  std::vector<uint8_t> waiting(e_.n_expressions());
  std::vector<NodeId> open;
  auto push = [&](NodeId n) {
    if (e_.expression(n).live && !std::exchange(waiting[n], 1)) open.push_back(n);
  };
  for (NodeId n = 0; n < e_.n_expressions(); ++n) push(n);
  for (size_t at = 0; at < open.size(); ++at) {
    const NodeId n = open[at];
    waiting[n] = 0;
    double cost = e_.is_leaf(n) ? 0 : cost_[e_.expression(n).work] + kLeast;
    for (ClassId c : e_.work_of(n).children)
      if (c != kNoId) cost += best[e_.find(c)];
    const ClassId c = e_.find(e_.expression(n).cls);
    if (!(cost < best[c])) continue;
    best[c] = cost;
    chosen_[c] = n;
    for (NodeId p : e_.cls(c).parents) push(p);
  }
}

void Selection::order() {
  std::vector<uint8_t> state(e_.n_classes());  // 1 = open, 2 = placed
  uint32_t next = 0;
  std::vector<ClassId> stack;
  for (ClassId root = 0; root < e_.n_classes(); ++root) {
    if (e_.find(root) != root || chosen_[root] == kNoId || state[root]) continue;
    stack.push_back(root);
    while (!stack.empty()) {
      const ClassId c = stack.back();
      if (state[c]) {
        if (state[c] == 1) position_[c] = next++;
        state[c] = 2;
        stack.pop_back();
        continue;
      }
      state[c] = 1;
      for (ClassId x : e_.work_of(chosen_[c]).children)
        if (x != kNoId && !state[e_.find(x)]) stack.push_back(e_.find(x));
    }
  }
}

void Selection::use(ClassId root) {
  std::vector<ClassId> open{root};
  while (!open.empty()) {
    const ClassId c = e_.find(open.back());
    open.pop_back();
    if (refs_[c]++) continue;
    const WorkId w = e_.expression(chosen_[c]).work;
    if (work_refs_[w]++) continue;
    total_ += cost_[w];
    for (ClassId x : e_.work(w).children)
      if (x != kNoId) open.push_back(x);
  }
}

void Selection::release(ClassId root) {
  std::vector<ClassId> open{root};
  while (!open.empty()) {
    const ClassId c = e_.find(open.back());
    open.pop_back();
    if (--refs_[c]) continue;
    const WorkId w = e_.expression(chosen_[c]).work;
    if (--work_refs_[w]) continue;
    total_ -= cost_[w];
    for (ClassId x : e_.work(w).children)
      if (x != kNoId) open.push_back(x);
  }
}

/// Does what the move chooses depend on a class that it changes? Only classes behind the first of these can.
bool Selection::makes_cycle(const Move& m) const {
  uint32_t first = UINT32_MAX;
  for (auto [c, n] : m) first = std::min(first, position_[c]);
  std::vector<ClassId> open;
  std::unordered_map<ClassId, bool> seen;
  auto push = [&](const Work& w) {
    for (ClassId x : w.children) {
      if (x == kNoId) continue;
      const ClassId c = e_.find(x);
      if (chosen_[c] == kNoId) return false;
      if (position_[c] >= first && seen.emplace(c, true).second) open.push_back(c);
    }
    return true;
  };
  for (auto [c, n] : m)
    if (!push(e_.work_of(n))) return true;
  while (!open.empty()) {
    const ClassId c = open.back();
    open.pop_back();
    for (auto [changed, n] : m)
      if (changed == c) return true;
    push(e_.work_of(chosen_[c]));
  }
  return false;
}

void Selection::exchange(const Move& m, std::vector<NodeId>* before) {
  // The uses of each class stay; what it is made from changes. New parts first, so that what both need is kept.
  for (auto [c, n] : m) {
    const WorkId now = e_.expression(n).work, old = e_.expression(chosen_[c]).work;
    if (before) before->push_back(chosen_[c]);
    if (!refs_[c]) {
      chosen_[c] = n;
      continue;
    }
    if (!work_refs_[now]++) {
      total_ += cost_[now];
      for (ClassId x : e_.work(now).children)
        if (x != kNoId) use(x);
    }
    chosen_[c] = n;
    if (!--work_refs_[old]) {
      total_ -= cost_[old];
      for (ClassId x : e_.work(old).children)
        if (x != kNoId) release(x);
    }
  }
}

bool Selection::try_move(const Move& m) {
  if (makes_cycle(m)) return false;
  const double was = total_;
  std::vector<NodeId> before;
  exchange(m, &before);
  if (total_ < was - kLeast) {
    bool ordered = true;
    for (auto [c, n] : m)
      for (ClassId x : e_.work_of(n).children) ordered &= x == kNoId || position_[e_.find(x)] < position_[c];
    if (!ordered) order();
    return true;
  }
  Move back;
  for (size_t k = 0; k < m.size(); ++k) back.emplace_back(m[k].first, before[k]);
  exchange(back, nullptr);
  total_ = was;
  return false;
}

bool Selection::improve() {
  bool better = false;
  for (WorkId w = 0; w < e_.n_works(); ++w) {
    if (outputs_[w].size() < 2) continue;
    Move all;
    for (NodeId n : outputs_[w]) {
      const ClassId c = e_.find(e_.expression(n).cls);
      if (e_.expression(n).live && refs_[c] && chosen_[c] != n) all.emplace_back(c, n);
    }
    if (all.size() > 1) better |= try_move(all);
  }
  for (ClassId c = 0; c < e_.n_classes(); ++c) {
    if (e_.find(c) != c || !refs_[c]) continue;
    const auto& members = e_.cls(c).members;
    for (NodeId n : members)
      if (e_.expression(n).live && n != chosen_[c] && refs_[c]) better |= try_move({{c, n}});
  }
  return better;
}

void Selection::run(const std::vector<ClassId>& roots) {
  choose_trees();
  order();
  for (ClassId r : roots) use(r);
  for (int k = 0; k < kMostRounds && improve(); ++k) {
  }
}

}  // namespace tenon::saturate
