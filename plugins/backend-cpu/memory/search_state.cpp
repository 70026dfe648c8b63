// SPDX-License-Identifier: Apache-2.0
#include "search_state.hpp"

#include <algorithm>

namespace tenon::cpu {

SearchState::SearchState(const Group& g, int64_t capacity, std::vector<uint32_t> rank)
    : g_(g), capacity_(capacity), rank_(std::move(rank)), low_(g.blocks.size(), 0), position_(g.blocks.size()) {
  const size_t n = at(g.sections);
  members_.resize(n);
  for (auto* v : {&waiting_, &top_, &slack_, &candidates_, &crossing_}) v->assign(n, 0);
  highest_.assign(n, -1);
  failures_.assign(n, 0);
  is_dirty_.assign(n, 0);
  for (uint32_t k = 0; k < g.blocks.size(); ++k)
    for (auto s = block(k).begin; s < block(k).end; ++s) {
      position_[k].push_back(static_cast<uint32_t>(members_[at(s)].size()));
      members_[at(s)].push_back(k);
      ++waiting_[at(s)];
      if (s > block(k).begin) ++crossing_[at(s)];
    }
  for (int32_t s = 0; s < g.sections; ++s) mark_dirty(s);
}

void SearchState::undo(size_t mark) {
  for (; trail_.size() > mark; trail_.pop_back()) *trail_.back().where = trail_.back().old;
  for (auto s : dirty_) is_dirty_[at(s)] = 0;
  dirty_.clear();
}

void SearchState::mark_dirty(int32_t s) {
  if (is_dirty_[at(s)]) return;
  is_dirty_[at(s)] = 1;
  dirty_.push_back(s);
}

void SearchState::raise(uint32_t k, int64_t low) {
  if (low <= low_[k]) return;
  set(low_[k], low);
  for (auto s = block(k).begin; s < block(k).end; ++s) mark_dirty(s);
  add_work(block(k).end - block(k).begin);
}

bool SearchState::propagate() {
  while (!dirty_.empty()) {
    const int32_t s = dirty_.back();
    dirty_.pop_back();
    is_dirty_[at(s)] = 0;
    if (check(s)) continue;
    ++failures_[at(s)];
    return false;
  }
  return true;
}

/// The blocks that wait in a section, by their least offsets. Insertion: there are few, mostly in order.
void SearchState::sort_jobs(int32_t s) {
  jobs_.clear();
  each_waiting(s, [&](uint32_t k) { jobs_.push_back({low_[k], block(k).size}); });
  auto less = [](const Job& a, const Job& b) { return a.release < b.release; };
  if (jobs_.size() > 32) return std::sort(jobs_.begin(), jobs_.end(), less);
  for (auto i = jobs_.begin(); i != jobs_.end(); ++i) std::rotate(std::upper_bound(jobs_.begin(), i, *i, less), i, i + 1);
}

/// The waiting blocks of a section lie on each other like jobs on one machine, each released at its least offset: in the order of their
/// releases they end earliest. A job can only be the first one when all others still fit after it, and the others begin after the earliest
/// end of those that can.
bool SearchState::check(int32_t s) {
  sort_jobs(s);
  if (jobs_.empty()) return true;
  work_ += jobs_.size();
  int64_t end = 0, sum = 0;
  for (const auto& j : jobs_) {
    end = std::max(end, j.release) + j.size;
    sum += j.size;
  }
  if (end > capacity_) return false;
  const int64_t latest = capacity_ - sum;
  int64_t n = 0, first_end = INT64_MAX;
  for (auto j = jobs_.begin(); j != jobs_.end() && j->release <= latest; ++j, ++n) first_end = std::min(first_end, j->release + j->size);
  if (slack_[at(s)] != capacity_ - end) set(slack_[at(s)], capacity_ - end);
  if (candidates_[at(s)] != n) set(candidates_[at(s)], n);
  if (static_cast<size_t>(n) < jobs_.size())
    each_waiting(s, [&](uint32_t k) {
      if (low_[k] > latest) raise(k, first_end);
    });
  return true;
}

void SearchState::remove(uint32_t k, int32_t s) {
  auto& m = members_[at(s)];
  const auto last = static_cast<uint32_t>(waiting_[at(s)] - 1), here = position_[k][at(s - block(k).begin)];
  const uint32_t other = m[last];
  std::swap(m[here], m[last]);
  position_[other][at(s - block(other).begin)] = here;
  position_[k][at(s - block(k).begin)] = last;
  set(waiting_[at(s)], last);
}

void SearchState::place(uint32_t k) {
  const Block& b = block(k);
  const int64_t end = low_[k] + b.size;
  for (auto s = b.begin; s < b.end; ++s) {
    remove(k, s);
    set(top_[at(s)], end);
    set(highest_[at(s)], k);
    if (s > b.begin) set(crossing_[at(s)], crossing_[at(s)] - 1);
    mark_dirty(s);
    each_waiting(s, [&](uint32_t c) { raise(c, end); });
  }
}

void SearchState::reject(uint32_t k) {
  const Block& b = block(k);
  int64_t support = capacity_ + 1;
  for (auto s = b.begin; s < b.end; ++s)
    each_waiting(s, [&](uint32_t c) {
      if (c != k) support = std::min(support, low_[c] + block(c).size);
    });
  raise(k, std::max(support, low_[k] + 1));
}

/// A block that nothing holds up could sink.
bool SearchState::supported(uint32_t k) const {
  if (low_[k] == 0) return true;
  for (auto s = block(k).begin; s < block(k).end; ++s)
    if (top_[at(s)] == low_[k]) return true;
  return false;
}

/// Of two blocks on each other over the same sections the one of lower rank lies below: exchanging them leaves all others where they
/// are, none of them can sink then that could not before, and it takes one inversion of ranks away, so that it comes to an end.
bool SearchState::ordered(uint32_t k) const {
  const Block& b = block(k);
  const int64_t c = highest_[at(b.begin)];
  if (c < 0 || top_[at(b.begin)] != low_[k]) return true;
  const Block& below = block(static_cast<uint32_t>(c));
  return below.begin != b.begin || below.end != b.end || rank_[static_cast<size_t>(c)] < rank_[k];
}

}  // namespace tenon::cpu
