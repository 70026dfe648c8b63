// SPDX-License-Identifier: Apache-2.0
// search_state.hpp - a partial plan that grows from the bottom: what is placed, how low the rest can lie, and what follows from it.
#pragma once
#include <cstddef>
#include <utility>
#include <vector>

#include "sections.hpp"

namespace tenon::cpu {

inline constexpr uint32_t kNoBlock = UINT32_MAX;

/// A block either is placed or waits. Blocks are placed so that whatever is placed later in one of its sections lies above it. Only
/// plans are looked for in which no block can sink: each lies on the ground or on another one. Every change can be undone.
class SearchState {
 public:
  /// `rank` is the order in which blocks that could change places are tried: the search finds plans in that order soonest.
  SearchState(const Group& g, int64_t capacity, std::vector<uint32_t> rank);

  const Group& group() const { return g_; }
  const Block& block(uint32_t k) const { return g_.blocks[k]; }
  /// Of a block that waits the least offset, of a placed one its offset.
  int64_t low(uint32_t k) const { return low_[k]; }
  uint32_t rank(uint32_t k) const { return rank_[k]; }
  const std::vector<int64_t>& offsets() const { return low_; }
  int64_t waiting(int32_t s) const { return waiting_[at(s)]; }
  int64_t slack(int32_t s) const { return slack_[at(s)]; }            ///< units of a section that may still be wasted
  int64_t candidates(int32_t s) const { return candidates_[at(s)]; }  ///< blocks that can be the next one in a section
  int64_t crossing(int32_t s) const { return crossing_[at(s)]; }      ///< waiting blocks that are also in the section before
  uint64_t failures(int32_t s) const { return failures_[at(s)]; }
  uint64_t work() const { return work_; }
  void add_work(int64_t n) { work_ += static_cast<uint64_t>(n); }

  template <class F>
  void each_waiting(int32_t s, F&& f) {
    const auto& m = members_[at(s)];
    const auto n = static_cast<size_t>(waiting_[at(s)]);
    for (size_t i = 0; i < n; ++i) f(m[i]);
    work_ += n;
  }

  /// Draws conclusions until there are none left; false when the waiting blocks cannot all fit.
  bool propagate();
  /// Places a block at its least offset, which no waiting block of its sections may be below.
  void place(uint32_t k);
  /// The block does not lie at its least offset: then it lies on a block that still waits.
  void reject(uint32_t k);
  /// Whether placing the block now can lead to a plan of the kind that is looked for.
  bool worth_placing(uint32_t k) const { return supported(k) && ordered(k); }

  size_t mark() const { return trail_.size(); }
  void undo(size_t mark);

 private:
  struct Change {
    int64_t* where;
    int64_t old;
  };
  struct Job {
    int64_t release, size;
  };

  static size_t at(int32_t i) { return static_cast<size_t>(i); }
  void set(int64_t& where, int64_t value) {
    trail_.push_back({&where, where});
    where = value;
  }
  void mark_dirty(int32_t s);
  void raise(uint32_t k, int64_t low);
  void remove(uint32_t k, int32_t s);
  bool check(int32_t s);
  void sort_jobs(int32_t s);
  bool supported(uint32_t k) const;
  bool ordered(uint32_t k) const;

  const Group& g_;
  const int64_t capacity_;
  const std::vector<uint32_t> rank_;             // of each block
  uint64_t work_ = 0;
  std::vector<int64_t> low_;                     // of each block
  std::vector<std::vector<uint32_t>> members_;   // of each section, those that wait first
  std::vector<std::vector<uint32_t>> position_;  // of each block, in the members of each of its sections
  std::vector<int64_t> waiting_, top_, highest_, slack_, candidates_, crossing_;  // of each section
  std::vector<uint64_t> failures_;
  std::vector<Change> trail_;
  std::vector<int32_t> dirty_;
  std::vector<uint8_t> is_dirty_;
  std::vector<Job> jobs_;
};

}  // namespace tenon::cpu
