// SPDX-License-Identifier: Apache-2.0
#include "outline/growth.hpp"

#include <algorithm>

namespace tenon::passes::outline {
namespace {

// How often some of the repeats are given up so that the others can grow on.
constexpr int kMostDrops = 32;

}  // namespace

Repeats Growth::run(const std::vector<uint32_t>& seeds) {
  instances_.clear();
  open_.clear();
  refused_.clear();
  Repeats best;
  for (uint32_t n : seeds)
    if (!taken_[n]) instances_.push_back({n});
  if (instances_.size() < min_repeats_) return best;
  pivot_ = instances_.size() / 2;
  for (uint32_t i = 0; i < instances_.size(); ++i) owner_[instances_[i][0]] = i;
  push_steps(0);
  grow();
  best.instances = instances_;
  for (int k = 0; k < kMostDrops && drop(); ++k) {
    grow();
    remember(&best);
  }
  for (const auto& i : instances_)
    for (uint32_t n : i) owner_[n] = kNone;
  return best;
}

void Growth::remember(Repeats* best) const {
  const auto n = static_cast<int64_t>(instances_.size()), m = static_cast<int64_t>(pivot().size());
  if (n * m - n - m > best->saved()) best->instances = instances_;
}

void Growth::add_member(const std::vector<uint32_t>& nodes) {
  for (uint32_t i = 0; i < nodes.size(); ++i) {
    instances_[i].push_back(nodes[i]);
    owner_[nodes[i]] = i;
  }
}

void Growth::push_steps(uint32_t member) {
  const uint32_t n = pivot()[member];
  for (uint32_t s = 0; s < t_.in[n].size(); ++s) {
    const uint32_t p = t_.in[n][s].node;
    if (p != kNone && t_.label[p] != kNone) open_.push_back({false, member, t_.in[n][s].output, s, t_.label[p]});
  }
  for (uint32_t k = 0; k < t_.out[n].size(); ++k) {
    if (t_.out[n][k] == kNone) continue;
    for (const Use& u : t_.uses[t_.out[n][k]])
      if (t_.label[u.node] != kNone && t_.graph[u.node] == t_.graph[n]) open_.push_back({true, member, k, u.slot, t_.label[u.node]});
  }
}

uint32_t Growth::find(const std::vector<uint32_t>& instance, const Step& s) const {
  const uint32_t from = instance[s.member];
  if (!s.forward) {
    const Source& in = t_.in[from][s.slot];
    return in.node != kNone && in.output == s.output && t_.label[in.node] == s.label ? in.node : kNone;
  }
  // Users that nothing tells apart are left for the way back from what they lead to.
  uint32_t only = kNone;
  for (const Use& u : t_.uses[t_.out[from][s.output]]) {
    if (u.slot != s.slot || t_.label[u.node] != s.label || t_.graph[u.node] != t_.graph[from] || owner_[u.node] == owner_[from]) continue;
    if (only != kNone && only != u.node) return kNone;
    only = u.node;
  }
  return only;
}

size_t Growth::look(const Step& s, std::vector<uint32_t>* found) {
  found->assign(instances_.size(), kNone);
  size_t n = 0;
  for (uint32_t i = 0; i < instances_.size(); ++i) {
    const uint32_t x = find(instances_[i], s);
    if (x == kNone || taken_[x] || owner_[x] != kNone) continue;
    (*found)[i] = x;
    owner_[x] = i;  // so that no other instance finds it in this look
    ++n;
  }
  for (uint32_t x : *found)
    if (x != kNone) owner_[x] = kNone;
  return n;
}

void Growth::grow() {
  std::vector<uint32_t> found;
  for (size_t at = 0; at < open_.size(); ++at) {
    const Step s = open_[at];
    if (find(pivot(), s) == kNone) continue;  // it is a member by now, or ambiguous
    if (look(s, &found) < instances_.size()) {
      refused_.push_back(s);
      continue;
    }
    add_member(found);
    push_steps(static_cast<uint32_t>(pivot().size()) - 1);
  }
  open_.clear();
}

/// Gives up the instances that cannot take the step that most can.
bool Growth::drop() {
  std::vector<uint32_t> found, best;
  size_t most = std::max<size_t>(min_repeats_, 2) - 1;
  for (const Step& s : refused_) {
    const size_t n = look(s, &found);
    if (n <= most || found[pivot_] == kNone) continue;
    most = n;
    best = found;
  }
  if (best.empty()) return false;
  std::vector<std::vector<uint32_t>> kept;
  size_t pivot = 0;
  for (uint32_t i = 0; i < instances_.size(); ++i) {
    for (uint32_t n : instances_[i]) owner_[n] = kNone;
    if (best[i] == kNone) continue;
    if (i == pivot_) pivot = kept.size();
    kept.push_back(std::move(instances_[i]));
  }
  instances_ = std::move(kept);
  pivot_ = pivot;
  for (uint32_t i = 0; i < instances_.size(); ++i)
    for (uint32_t n : instances_[i]) owner_[n] = i;
  open_ = std::move(refused_);
  refused_.clear();
  return true;
}

}  // namespace tenon::passes::outline
