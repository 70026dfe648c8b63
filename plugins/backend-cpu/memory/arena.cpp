// SPDX-License-Identifier: Apache-2.0
#include "arena.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace tenon::cpu {
namespace {

uint64_t round_up(uint64_t x, uint64_t align) { return (x + align - 1) / align * align; }

uint64_t most_alive(const std::vector<Interval>& intervals) {
  std::map<int64_t, int64_t> change;
  for (const auto& i : intervals) {
    const auto size = static_cast<int64_t>(round_up(i.size, i.align));
    change[i.lower] += size;
    change[i.upper + 1] -= size;
  }
  int64_t alive = 0, most = 0;
  for (const auto& [step, delta] : change) most = std::max(most, alive += delta);
  return static_cast<uint64_t>(most);
}

/// Lowest address of the smallest gap between the placed neighbours (sorted by offset) that holds `size` bytes.
uint64_t best_gap(const std::vector<std::pair<uint64_t, uint64_t>>& taken, uint64_t size, uint64_t align) {
  uint64_t free_from = 0, best = 0, best_size = UINT64_MAX;
  for (const auto& [begin, end] : taken) {
    const uint64_t start = round_up(free_from, align);
    if (begin >= start + size && begin - start < best_size) {
      best = start;
      best_size = begin - start;
    }
    free_from = std::max(free_from, end);
  }
  return best_size == UINT64_MAX ? round_up(free_from, align) : best;
}

}  // namespace

ArenaPlan plan_arena(const std::vector<Interval>& intervals) {
  ArenaPlan plan;
  plan.offset.assign(intervals.size(), 0);
  plan.lower_bound = most_alive(intervals);
  std::vector<size_t> order(intervals.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return intervals[a].size > intervals[b].size; });

  std::vector<size_t> placed;  // by offset
  std::vector<std::pair<uint64_t, uint64_t>> taken;
  for (size_t k : order) {
    const Interval& i = intervals[k];
    taken.clear();
    for (size_t p : placed)
      if (intervals[p].lower <= i.upper && i.lower <= intervals[p].upper) taken.emplace_back(plan.offset[p], plan.offset[p] + intervals[p].size);
    plan.offset[k] = best_gap(taken, i.size, i.align);
    plan.height = std::max(plan.height, round_up(plan.offset[k] + i.size, i.align));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), k, [&](size_t a, size_t b) { return plan.offset[a] < plan.offset[b]; }), k);
  }
  return plan;
}

}  // namespace tenon::cpu
