// SPDX-License-Identifier: Apache-2.0
#include "arena.hpp"

#include <algorithm>
#include <chrono>

#include "greedy.hpp"
#include "search.hpp"

namespace tenon::cpu {
namespace {

constexpr uint64_t kMostPairs = 50'000'000;     // that greedy orders look at, under a second
constexpr uint64_t kFirstAttempt = 2'000'000;   // operations, some ten milliseconds
constexpr size_t kMostBlocksToSearch = 20'000;  // the tables of the search have an entry for each block in each of its sections
constexpr uint64_t kMostMembers = 4'000'000;

/// Luby's sequence 1 1 2 1 1 2 4 ...: within a factor of the best times to start again that anyone could know.
uint64_t luby(uint64_t i) {
  for (uint64_t k = 1;; ++k) {
    if (i == (uint64_t{1} << k) - 1) return uint64_t{1} << (k - 1);
    if (i < (uint64_t{1} << k) - 1) return luby(i - (uint64_t{1} << (k - 1)) + 1);
  }
}

class Planner {
  const ArenaOptions& options_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  uint64_t work_ = 0;

 public:
  explicit Planner(const ArenaOptions& options) : options_(options) {}
  uint64_t work() const { return work_; }

  Placement place(const Group& g, int64_t goal) {
    Placement best = place_greedily(g, goal, kMostPairs);
    if (best.height <= goal || !can_search(g)) return best;
    // Most of the work for the goal itself, the rest for heights between it and the best plan.
    int64_t low = goal, high = best.height;
    uint64_t share = (options_.most_work - work_) / 4 * 3;
    for (int64_t capacity = goal; low < high && share >= kFirstAttempt; capacity = low + (high - low) / 2) {
      if (improve(g, capacity, share, best)) high = best.height;
      else low = capacity + 1;
      share = work_ < options_.most_work ? (options_.most_work - work_) / 2 : 0;
    }
    return best;
  }

 private:
  bool can_search(const Group& g) const {
    uint64_t members = 0;
    for (const auto& b : g.blocks) members += static_cast<uint64_t>(b.end - b.begin);
    return g.blocks.size() <= kMostBlocksToSearch && members <= kMostMembers && work_ < options_.most_work;
  }
  bool late() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count() > options_.most_seconds; }

  /// Attempts with different seeds until one finds a plan of this height.
  bool improve(const Group& g, int64_t capacity, uint64_t share, Placement& best) {
    for (uint64_t k = 0; share > 0 && !late(); ++k) {
      SearchResult r = search_plan(g, capacity, {k / 3, static_cast<Focus>(k % 3), std::min(share, kFirstAttempt * luby(k / 3 + 1))});
      work_ += r.work;
      share -= std::min(share, r.work);
      if (r.exhausted) return false;
      if (!r.offset) continue;
      best.offset = std::move(*r.offset);
      best.height = 0;
      for (size_t i = 0; i < g.blocks.size(); ++i) best.height = std::max(best.height, best.offset[i] + g.blocks[i].size);
      return true;
    }
    return false;
  }
};

}  // namespace

ArenaPlan plan_arena(const std::vector<Interval>& intervals, const ArenaOptions& options) {
  ArenaPlan plan;
  plan.offset.assign(intervals.size(), 0);
  const auto groups = group_by_time(intervals, options.align);
  int64_t bound = 0;
  for (const auto& g : groups) bound = std::max(bound, g.bound);
  const int64_t goal = std::max(bound, static_cast<int64_t>(options.capacity / options.align));
  Planner planner(options);
  int64_t height = 0;
  for (const auto& g : groups) {
    const Placement p = planner.place(g, goal);
    height = std::max(height, p.height);
    for (size_t i = 0; i < g.blocks.size(); ++i) plan.offset[g.blocks[i].id] = static_cast<uint64_t>(p.offset[i]) * options.align;
  }
  plan.height = static_cast<uint64_t>(height) * options.align;
  plan.lower_bound = static_cast<uint64_t>(bound) * options.align;
  plan.work = planner.work();
  return plan;
}

}  // namespace tenon::cpu
