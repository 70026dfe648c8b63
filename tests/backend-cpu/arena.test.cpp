// SPDX-License-Identifier: Apache-2.0
#include "memory/arena.hpp"

#include <catch2/catch.hpp>
#include <algorithm>
#include <map>
#include <rapidcheck.h>

using namespace tenon::cpu;

namespace {

/// Looks at every pair; knows nothing of how the plan was made.
bool overlaps(const std::vector<Interval>& intervals, const ArenaPlan& plan) {
  for (size_t a = 0; a < intervals.size(); ++a)
    for (size_t b = 0; b < a; ++b) {
      const Interval &x = intervals[a], &y = intervals[b];
      const bool in_time = x.lower <= y.upper && y.lower <= x.upper;
      const bool in_space = plan.offset[a] < plan.offset[b] + y.size && plan.offset[b] < plan.offset[a] + x.size;
      if (in_time && in_space) return true;
    }
  return false;
}

bool inside(const std::vector<Interval>& intervals, const ArenaPlan& plan, uint64_t align) {
  for (size_t k = 0; k < intervals.size(); ++k)
    if (plan.offset[k] + intervals[k].size > plan.height || plan.offset[k] % align != 0) return false;
  return plan.offset.size() == intervals.size();
}

/// Most bytes alive at one step, step by step.
uint64_t most_alive(const std::vector<Interval>& intervals, uint64_t align) {
  std::map<int64_t, uint64_t> at;
  for (const auto& i : intervals) at[i.lower] = 0;
  uint64_t most = 0;
  for (auto& [step, bytes] : at) {
    for (const auto& i : intervals)
      if (i.lower <= step && step <= i.upper) bytes += (i.size + align - 1) / align * align;
    most = std::max(most, bytes);
  }
  return most;
}

void check(const std::vector<Interval>& intervals, const ArenaPlan& plan, uint64_t align) {
  RC_ASSERT(inside(intervals, plan, align));
  RC_ASSERT(!overlaps(intervals, plan));
  RC_ASSERT(plan.lower_bound == most_alive(intervals, align));
  RC_ASSERT(plan.height >= plan.lower_bound);
}

/// Every order, each buffer at the lowest offset that is free: one of these plans is best, because a best one whose buffers have sunk as
/// far as they can comes out of the order of its offsets.
uint64_t least_height(const std::vector<Interval>& intervals) {
  std::vector<size_t> order(intervals.size());
  for (size_t k = 0; k < order.size(); ++k) order[k] = k;
  uint64_t least = UINT64_MAX;
  do {
    ArenaPlan p;
    std::vector<Interval> placed;
    for (size_t k : order) {
      placed.push_back(intervals[k]);
      p.offset.push_back(0);
      while (overlaps(placed, p)) ++p.offset.back();
      p.height = std::max(p.height, p.offset.back() + intervals[k].size);
    }
    least = std::min(least, p.height);
  } while (std::next_permutation(order.begin(), order.end()));
  return least;
}

struct Random {
  uint64_t x;
  uint64_t below(uint64_t n) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    return (x >> 33) % n;
  }
};

/// Cuts a rectangle of steps and bytes in two, again and again: the pieces fill it, so a plan at its height exists.
void cut(Random& random, int64_t from, int64_t to, uint64_t bytes, int depth, std::vector<Interval>& pieces) {
  const bool wide = to > from, high = bytes > 1;
  if (depth == 0 || (!wide && !high)) return pieces.push_back({from, to, bytes});
  if (wide && (!high || random.below(2) == 0)) {
    const int64_t middle = from + static_cast<int64_t>(random.below(static_cast<uint64_t>(to - from)));
    cut(random, from, middle, bytes, depth - 1, pieces);
    return cut(random, middle + 1, to, bytes, depth - 1, pieces);
  }
  const uint64_t below = 1 + random.below(bytes - 1);
  cut(random, from, to, below, depth - 1, pieces);
  cut(random, from, to, bytes - below, depth - 1, pieces);
}

std::vector<Interval> rectangle(uint64_t seed, int depth) {
  Random random{seed};
  std::vector<Interval> pieces;
  cut(random, 0, 199, 1000, depth, pieces);
  for (size_t k = pieces.size(); k > 1; --k) std::swap(pieces[k - 1], pieces[random.below(k)]);
  return pieces;
}

ArenaOptions unaligned() {
  ArenaOptions o;
  o.align = 1;
  return o;
}

}  // namespace

TEST_CASE("the checker finds overlaps") {
  const std::vector<Interval> two{{0, 4, 10}, {4, 8, 10}};
  CHECK(overlaps(two, {{0, 9}, 19, 0, 0}));
  CHECK_FALSE(overlaps(two, {{0, 10}, 20, 0, 0}));
  CHECK_FALSE(overlaps({{0, 3, 10}, {4, 8, 10}}, {{0, 0}, 10, 0, 0}));
  CHECK_FALSE(inside(two, {{0, 64}, 70, 0, 0}, 64));
  CHECK_FALSE(inside(two, {{0, 63}, 80, 0, 0}, 64));
}

TEST_CASE("nothing, empty buffers and single ones") {
  CHECK(plan_arena({}).height == 0);
  const ArenaPlan p = plan_arena({{0, 9, 0}, {3, 3, 1}});
  CHECK(p.height == 64);
  CHECK(p.lower_bound == 64);
}

TEST_CASE("any intervals are planned without an overlap") {
  CHECK(rc::check([] {
    const auto n = *rc::gen::inRange<size_t>(0, 80);
    const auto align = *rc::gen::element<uint64_t>(1, 16, 64);
    std::vector<Interval> intervals;
    for (size_t k = 0; k < n; ++k) {
      const auto lower = *rc::gen::inRange<int64_t>(-5, 60);
      intervals.push_back({lower, lower + *rc::gen::inRange<int64_t>(0, 30), *rc::gen::inRange<uint64_t>(0, 5000)});
    }
    ArenaOptions options;
    options.align = align;
    options.most_work = 4'000'000;
    const ArenaPlan plan = plan_arena(intervals, options);
    check(intervals, plan, align);
    RC_ASSERT(plan.offset == plan_arena(intervals, options).offset);
  }));
}

TEST_CASE("a rectangle that was cut into pieces is put together again") {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const auto pieces = rectangle(seed, 6);
    ArenaOptions options = unaligned();
    options.most_work = uint64_t{1} << 31;
    const ArenaPlan plan = plan_arena(pieces, options);
    INFO("seed " << seed << ", " << pieces.size() << " pieces");
    CHECK(plan.lower_bound == 1000);
    CHECK(plan.height == 1000);
    CHECK_FALSE(overlaps(pieces, plan));
  }
}

TEST_CASE("the plan of a few buffers is the lowest that there is") {
  CHECK(rc::check([] {
    const auto n = *rc::gen::inRange<size_t>(1, 7);
    std::vector<Interval> intervals;
    for (size_t k = 0; k < n; ++k) {
      const auto lower = *rc::gen::inRange<int64_t>(0, 6);
      intervals.push_back({lower, lower + *rc::gen::inRange<int64_t>(0, 5), *rc::gen::inRange<uint64_t>(1, 12)});
    }
    RC_ASSERT(plan_arena(intervals, unaligned()).height == least_height(intervals));
  }));
}

TEST_CASE("a capacity above the bound is good enough") {
  const auto pieces = rectangle(3, 7);
  ArenaOptions options = unaligned();
  options.capacity = 2000;
  const ArenaPlan plan = plan_arena(pieces, options);
  CHECK(plan.height <= 2000);
  CHECK(plan.work == 0);
  CHECK_FALSE(overlaps(pieces, plan));
}

TEST_CASE("200,000 buffers") {
  Random random{7};
  std::vector<Interval> chain, wide;
  for (int64_t k = 0; k < 200'000; ++k) {
    chain.push_back({k, k + 1 + static_cast<int64_t>(random.below(4)), 64 + random.below(4096)});
    wide.push_back({k, 200'000, 64 + random.below(4096)});
  }
  for (const auto* i : {&chain, &wide}) {
    const ArenaPlan plan = plan_arena(*i);
    CHECK(inside(*i, plan, 64));
    CHECK(plan.height < plan.lower_bound * 3 / 2);
  }
  CHECK(plan_arena(wide).height == plan_arena(wide).lower_bound);
}
