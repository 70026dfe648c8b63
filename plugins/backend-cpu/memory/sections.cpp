// SPDX-License-Identifier: Apache-2.0
#include "sections.hpp"

#include <algorithm>

namespace tenon::cpu {
namespace {

struct Event {
  int64_t step;
  bool birth;  // deaths come first: the step of a death is the first one without the buffer
  uint32_t block;
  bool operator<(const Event& o) const { return step != o.step ? step < o.step : birth != o.birth ? birth < o.birth : block < o.block; }
};

std::vector<Event> events_of(const std::vector<Interval>& intervals) {
  std::vector<Event> events;
  events.reserve(intervals.size() * 2);
  for (uint32_t k = 0; k < intervals.size(); ++k) {
    if (intervals[k].size == 0) continue;
    events.push_back({intervals[k].lower, true, k});
    events.push_back({intervals[k].upper + 1, false, k});
  }
  std::sort(events.begin(), events.end());
  return events;
}

}  // namespace

std::vector<Group> group_by_time(const std::vector<Interval>& intervals, uint64_t align) {
  std::vector<Group> groups;
  std::vector<uint32_t> place(intervals.size());
  uint64_t alive = 0;
  int64_t units = 0;
  bool born = false;
  for (const auto& e : events_of(intervals)) {
    if (alive == 0) groups.emplace_back();
    Group& g = groups.back();
    if (e.birth) {
      const auto size = static_cast<int64_t>((intervals[e.block].size + align - 1) / align);
      place[e.block] = static_cast<uint32_t>(g.blocks.size());
      g.blocks.push_back({g.sections, 0, size, e.block});
      g.bound = std::max(g.bound, units += size);
      ++alive;
      born = true;
      continue;
    }
    if (born) ++g.sections;
    born = false;
    Block& b = g.blocks[place[e.block]];
    b.end = g.sections;
    units -= b.size;
    --alive;
  }
  return groups;
}

}  // namespace tenon::cpu
