// SPDX-License-Identifier: Apache-2.0
#include "greedy.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>

namespace tenon::cpu {
namespace {

/// Free ranges below the highest used unit, found by offset and by size.
class Holes {
  std::map<int64_t, int64_t> by_offset_;
  std::set<std::pair<int64_t, int64_t>> by_size_;
  int64_t top_ = 0;

  void add(int64_t offset, int64_t size) {
    if (size == 0) return;
    by_offset_[offset] = size;
    by_size_.insert({size, offset});
  }
  void remove(std::map<int64_t, int64_t>::iterator i) {
    by_size_.erase({i->second, i->first});
    by_offset_.erase(i);
  }

 public:
  /// The smallest hole that is large enough, or what is free at the top and beyond.
  int64_t take(int64_t size) {
    if (auto fit = by_size_.lower_bound({size, 0}); fit != by_size_.end()) {
      const auto [hole, offset] = *fit;
      remove(by_offset_.find(offset));
      add(offset + size, hole - size);
      return offset;
    }
    int64_t offset = top_;
    if (!by_offset_.empty()) {
      auto last = std::prev(by_offset_.end());
      if (last->first + last->second == top_) {
        offset = last->first;
        remove(last);
      }
    }
    top_ = offset + size;
    return offset;
  }
  void give(int64_t offset, int64_t size) {
    auto next = by_offset_.lower_bound(offset);
    if (next != by_offset_.end() && next->first == offset + size) {
      size += next->second;
      auto joined = next++;
      remove(joined);
    }
    if (next != by_offset_.begin()) {
      auto before = std::prev(next);
      if (before->first + before->second == offset) {
        offset = before->first;
        size += before->second;
        remove(before);
      }
    }
    add(offset, size);
  }
  int64_t top() const { return top_; }
};

/// Walks through time, forwards or backwards, like an allocator that knows nothing of the future; large blocks first among those
/// that are born together.
Placement by_time(const Group& g, bool backwards) {
  struct Event {
    int32_t section;
    bool birth;
    uint32_t block;
  };
  std::vector<Event> events;
  for (uint32_t k = 0; k < g.blocks.size(); ++k) {
    const Block& b = g.blocks[k];
    events.push_back({backwards ? g.sections - b.end : b.begin, true, k});
    events.push_back({backwards ? g.sections - b.begin : b.end, false, k});
  }
  std::stable_sort(events.begin(), events.end(), [&](const Event& a, const Event& b) {
    if (a.section != b.section) return a.section < b.section;
    if (a.birth != b.birth) return a.birth < b.birth;
    return g.blocks[a.block].size > g.blocks[b.block].size;
  });
  Placement p;
  p.offset.resize(g.blocks.size());
  Holes holes;
  for (const auto& e : events) {
    const int64_t size = g.blocks[e.block].size;
    if (e.birth) p.offset[e.block] = holes.take(size);
    else holes.give(p.offset[e.block], size);
  }
  p.height = holes.top();
  return p;
}

/// The blocks placed so far, found by the sections they are in: a tree over the blocks in the order of their first section, each
/// node with the last section below it.
class PlacedBlocks {
  const std::vector<Block>& blocks_;
  std::vector<uint32_t> sorted_, rank_;
  std::vector<int32_t> last_;
  size_t leaves_ = 1;

  template <class F>
  void visit(size_t node, size_t from, size_t to, const Block& q, F&& f) const {
    if (last_[node] <= q.begin || from >= sorted_.size() || blocks_[sorted_[from]].begin >= q.end) return;
    if (to - from == 1) return f(sorted_[from]);
    visit(node * 2, from, (from + to) / 2, q, f);
    visit(node * 2 + 1, (from + to) / 2, to, q, f);
  }

 public:
  explicit PlacedBlocks(const std::vector<Block>& blocks) : blocks_(blocks), sorted_(blocks.size()), rank_(blocks.size()) {
    std::iota(sorted_.begin(), sorted_.end(), 0u);
    std::stable_sort(sorted_.begin(), sorted_.end(), [&](uint32_t a, uint32_t b) { return blocks[a].begin < blocks[b].begin; });
    for (uint32_t i = 0; i < sorted_.size(); ++i) rank_[sorted_[i]] = i;
    while (leaves_ < blocks.size()) leaves_ *= 2;
    last_.assign(leaves_ * 2, 0);
  }
  void add(uint32_t k) {
    for (size_t node = leaves_ + rank_[k]; node > 0; node /= 2) last_[node] = std::max(last_[node], blocks_[k].end);
  }
  template <class F> void each_conflict(const Block& q, F&& f) const { visit(1, 0, leaves_, q, f); }
};

/// The lowest offset in the smallest gap between the taken ranges, sorted by offset, that holds `size` units.
int64_t best_gap(const std::vector<std::pair<int64_t, int64_t>>& taken, int64_t size) {
  int64_t free_from = 0, best = -1, best_size = INT64_MAX;
  for (const auto& [begin, end] : taken) {
    if (begin - free_from >= size && begin - free_from < best_size) {
      best = free_from;
      best_size = begin - free_from;
    }
    free_from = std::max(free_from, end);
  }
  return best < 0 ? free_from : best;
}

/// Places the blocks in this order. Nothing when that takes too many pairs.
std::optional<Placement> in_order(const Group& g, const std::vector<uint32_t>& order, uint64_t& pairs) {
  Placement p;
  p.offset.resize(g.blocks.size());
  PlacedBlocks placed(g.blocks);
  std::vector<std::pair<int64_t, int64_t>> taken;
  for (uint32_t k : order) {
    taken.clear();
    placed.each_conflict(g.blocks[k], [&](uint32_t c) { taken.emplace_back(p.offset[c], p.offset[c] + g.blocks[c].size); });
    if (taken.size() > pairs) return std::nullopt;
    pairs -= taken.size();
    std::sort(taken.begin(), taken.end());
    p.offset[k] = best_gap(taken, g.blocks[k].size);
    p.height = std::max(p.height, p.offset[k] + g.blocks[k].size);
    placed.add(k);
  }
  return p;
}

/// What is placed first: large keys, then large blocks.
template <class Key>
std::vector<uint32_t> order_by(const Group& g, Key&& key) {
  std::vector<uint32_t> order(g.blocks.size());
  std::iota(order.begin(), order.end(), 0u);
  std::vector<int64_t> keys;
  for (const auto& b : g.blocks) keys.push_back(key(b));
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return keys[a] != keys[b] ? keys[a] > keys[b] : g.blocks[a].size > g.blocks[b].size; });
  return order;
}

/// Units alive in each section.
std::vector<int64_t> load_of(const Group& g) {
  std::vector<int64_t> load(static_cast<size_t>(g.sections) + 1, 0);
  for (const auto& b : g.blocks) {
    load[static_cast<size_t>(b.begin)] += b.size;
    load[static_cast<size_t>(b.end)] -= b.size;
  }
  std::partial_sum(load.begin(), load.end(), load.begin());
  return load;
}

/// Largest load of any section of each block, by a table of maxima over spans of powers of two.
std::vector<int64_t> contention(const Group& g) {
  std::vector<std::vector<int64_t>> most{load_of(g)};
  for (size_t span = 1; span * 2 <= most[0].size(); span *= 2) {
    const auto& last = most.back();
    std::vector<int64_t> next(last.size() - span);
    for (size_t i = 0; i < next.size(); ++i) next[i] = std::max(last[i], last[i + span]);
    most.push_back(std::move(next));
  }
  std::vector<int64_t> r;
  for (const auto& b : g.blocks) {
    const auto width = static_cast<size_t>(b.end - b.begin);
    size_t level = 0;
    while (size_t{2} << level <= width) ++level;
    r.push_back(std::max(most[level][static_cast<size_t>(b.begin)], most[level][static_cast<size_t>(b.end) - (size_t{1} << level)]));
  }
  return r;
}

}  // namespace

Placement place_greedily(const Group& g, int64_t goal, uint64_t most_pairs) {
  Placement best = by_time(g, false);
  auto consider = [&](std::optional<Placement> p) {
    if (p && p->height < best.height) best = std::move(*p);
    return best.height <= goal;
  };
  if (best.height <= goal || consider(by_time(g, true))) return best;
  uint64_t pairs = most_pairs;
  if (consider(in_order(g, order_by(g, [](const Block& b) { return b.size; }), pairs))) return best;
  if (consider(in_order(g, order_by(g, [](const Block& b) { return b.size * (b.end - b.begin); }), pairs))) return best;
  if (consider(in_order(g, order_by(g, [](const Block& b) { return int64_t{b.end - b.begin}; }), pairs))) return best;
  const auto crowded = contention(g);
  consider(in_order(g, order_by(g, [&](const Block& b) { return crowded[static_cast<size_t>(&b - g.blocks.data())]; }), pairs));
  return best;
}

}  // namespace tenon::cpu
