// SPDX-License-Identifier: Apache-2.0
// Which of the instances that grew together are the same graph exactly, and which make one when they are taken in a row.
#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>

#include "outline/growth.hpp"

namespace tenon::passes::outline {
namespace {

constexpr size_t kMostJoined = 4096;

/// Every input of every member: which member makes it, or which of the values from outside, counted as they are met.
std::vector<uint32_t> wiring(const NodeTable& t, const std::vector<uint32_t>& instance) {
  std::unordered_map<uint32_t, uint32_t> member, outside;
  for (uint32_t k = 0; k < instance.size(); ++k) member[instance[k]] = k;
  std::vector<uint32_t> r;
  for (uint32_t n : instance)
    for (const Source& s : t.in[n]) {
      const auto inner = s.node == kNone ? member.end() : member.find(s.node);
      if (inner != member.end()) r.insert(r.end(), {1, inner->second, s.output});
      else if (s.value == kNone) r.push_back(0);
      else r.insert(r.end(), {2, outside.try_emplace(s.value, static_cast<uint32_t>(outside.size())).first->second});
    }
  return r;
}

/// The instance that reads a certain output of each instance at a certain place; kNone where there is none.
std::vector<uint32_t> next_in_chain(const NodeTable& t, const Repeats& r) {
  struct Place {
    uint32_t instance, member;
  };
  std::unordered_map<uint32_t, Place> place;
  for (uint32_t i = 0; i < r.instances.size(); ++i)
    for (uint32_t k = 0; k < r.instances[i].size(); ++k) place[r.instances[i][k]] = {i, k};
  using Link = std::array<uint32_t, 4>;  // member, output, member of the reader, its slot
  std::map<Link, std::vector<std::pair<uint32_t, uint32_t>>> links;
  for (uint32_t i = 0; i < r.instances.size(); ++i)
    for (uint32_t k = 0; k < r.instances[i].size(); ++k) {
      const uint32_t n = r.instances[i][k];
      for (uint32_t s = 0; s < t.in[n].size(); ++s) {
        const auto from = t.in[n][s].node == kNone ? place.end() : place.find(t.in[n][s].node);
        if (from != place.end() && from->second.instance != i) links[{from->second.member, t.in[n][s].output, k, s}].emplace_back(from->second.instance, i);
      }
    }
  std::vector<uint32_t> best(r.instances.size(), kNone);
  size_t most = 0;
  for (const auto& [link, pairs] : links) {
    std::vector<uint32_t> next(r.instances.size(), kNone);
    size_t n = 0;
    for (auto [from, to] : pairs)
      if (next[from] == kNone) next[from] = to, ++n;
    if (n <= most) continue;
    most = n;
    best = std::move(next);
  }
  return best;
}

std::vector<std::vector<uint32_t>> chains(const std::vector<uint32_t>& next) {
  std::vector<uint8_t> follows(next.size()), seen(next.size());
  for (uint32_t x : next)
    if (x != kNone) follows[x] = 1;
  std::vector<std::vector<uint32_t>> r;
  for (uint32_t i = 0; i < next.size(); ++i) {
    if (follows[i]) continue;
    r.emplace_back();
    for (uint32_t x = i; x != kNone && !seen[x]; x = next[x]) {
      seen[x] = 1;
      r.back().push_back(x);
    }
  }
  return r;
}

}  // namespace

Repeats join_chains(const NodeTable& t, Repeats r, size_t min_nodes) {
  const size_t own = own_nodes(t, r);
  if (own == 0 || own >= min_nodes) return r;
  const auto all = chains(next_in_chain(t, r));
  size_t longest = 0;
  for (const auto& c : all) longest = std::max(longest, c.size());
  const auto m = static_cast<int64_t>(r.n_members());
  size_t best = 1;
  int64_t most = 0;
  for (size_t k = 2; k <= std::min(longest, kMostJoined); ++k) {
    int64_t n = 0;
    for (const auto& c : all) n += static_cast<int64_t>(c.size() / k);
    const int64_t size = m * static_cast<int64_t>(k), saved = n * size - size - n;
    if (n < 2 || own * k < min_nodes || saved <= most) continue;
    most = saved;
    best = k;
  }
  if (best == 1) return r;
  Repeats joined;
  for (const auto& c : all)
    for (size_t at = 0; at + best <= c.size(); at += best) {
      auto& one = joined.instances.emplace_back();
      for (size_t k = 0; k < best; ++k) one.insert(one.end(), r.instances[c[at + k]].begin(), r.instances[c[at + k]].end());
    }
  return joined;
}

Repeats same_wiring(const NodeTable& t, const Repeats& r) {
  std::map<std::vector<uint32_t>, std::vector<uint32_t>> groups;
  for (uint32_t i = 0; i < r.instances.size(); ++i) groups[wiring(t, r.instances[i])].push_back(i);
  const std::vector<uint32_t>* most = nullptr;
  for (const auto& [key, group] : groups)
    if (!most || group.size() > most->size() || (group.size() == most->size() && group[0] < (*most)[0])) most = &group;
  Repeats same;
  for (size_t k = 0; most && k < most->size(); ++k) same.instances.push_back(r.instances[(*most)[k]]);
  return same;
}

}  // namespace tenon::passes::outline
