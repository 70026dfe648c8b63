// SPDX-License-Identifier: Apache-2.0
#include "search.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "search_state.hpp"

namespace tenon::cpu {
namespace {

/// Deterministic numbers in [-1, 1) (xorshift64).
class Disturbance {
  uint64_t x_;

 public:
  explicit Disturbance(uint64_t seed) : x_(seed * 0x9E3779B97F4A7C15u + 1) {}
  double next() {
    x_ ^= x_ << 13;
    x_ ^= x_ >> 7;
    x_ ^= x_ << 17;
    return static_cast<double>(x_ >> 11) / 4503599627370496.0 - 1;
  }
};

/// Of each block its place in the order in which blocks are tried: those in many sections first, then large ones.
std::vector<uint32_t> ranks(const Group& g, uint64_t seed) {
  Disturbance noise(seed);
  std::vector<double> key;
  for (const auto& b : g.blocks) {
    const double lifetime = static_cast<double>(b.end - b.begin) + static_cast<double>(b.size) / (1 + static_cast<double>(g.bound));
    key.push_back(seed ? lifetime * std::exp2(noise.next() * (seed % 3 ? 0.45 : 1.5)) : lifetime);
  }
  std::vector<uint32_t> order(key.size()), rank(key.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return key[a] > key[b]; });
  for (uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  return rank;
}

class Search {
  const Attempt& attempt_;
  SearchState state_;
  int32_t last_ = 0;  // section worked on

 public:
  Search(const Group& g, int64_t capacity, const Attempt& attempt) : attempt_(attempt), state_(g, capacity, ranks(g, attempt.seed)) {}

  SearchResult run() {
    const bool found = state_.propagate() && solve(0, state_.group().sections);
    SearchResult r;
    if (found) r.offset = state_.offsets();
    r.exhausted = !found && !over();
    r.work = state_.work();
    return r;
  }

 private:
  bool over() const { return state_.work() > attempt_.work; }

  /// Where only one block can come next, nothing is left to decide.
  double score(int32_t s) const {
    const auto candidates = static_cast<double>(state_.candidates(s));
    const double need = static_cast<double>(1 + state_.failures(s)) / static_cast<double>(1 + state_.slack(s));
    switch (attempt_.focus) {
      case Focus::scarce: return 1e6 / candidates + 1e-3 * need;
      case Focus::weighed: return need / candidates;
      default: return 1e6 / candidates - std::abs(s - last_);
    }
  }
  int32_t choose_section(int32_t from, int32_t to) {
    state_.add_work(to - from);
    int32_t best = -1;
    double best_score = 0;
    for (auto s = from; s < to; ++s) {
      if (state_.waiting(s) == 0) continue;
      const double x = score(s);
      if (best >= 0 && x <= best_score) continue;
      best = s;
      best_score = x;
    }
    return last_ = best;
  }

  /// The lowest block of that section or, where a block lies lower beside it, that one, and so on.
  uint32_t choose_block(int32_t from, int32_t to) {
    uint32_t best = kNoBlock;
    auto lower = [&](uint32_t a, uint32_t b) { return state_.low(a) != state_.low(b) ? state_.low(a) < state_.low(b) : state_.rank(a) < state_.rank(b); };
    state_.each_waiting(choose_section(from, to), [&](uint32_t k) {
      if (best == kNoBlock || lower(k, best)) best = k;
    });
    while (true) {
      uint32_t next = best;
      for (auto s = state_.block(best).begin; s < state_.block(best).end; ++s)
        state_.each_waiting(s, [&](uint32_t k) {
          if (state_.low(k) < state_.low(best) && lower(k, next)) next = k;
        });
      if (next == best) return best;
      best = next;
    }
  }

  uint64_t most_failures(int32_t from, int32_t to) const {
    uint64_t most = 0;
    for (; from < to; ++from) most = std::max(most, state_.failures(from));
    return most;
  }

  /// Parts that share no waiting block are solved one by one, the harder one first: any plan of each will do.
  bool solve_parts(int32_t from, int32_t cut, int32_t to) {
    if (most_failures(from, cut) >= most_failures(cut, to)) return solve(from, cut) && solve(cut, to);
    return solve(cut, to) && solve(from, cut);
  }

  /// Places all waiting blocks of these sections.
  bool solve(int32_t from, int32_t to) {
    if (over()) return false;
    while (from < to && state_.waiting(from) == 0) ++from;
    while (from < to && state_.waiting(to - 1) == 0) --to;
    if (from == to) return true;
    state_.add_work(to - from);
    for (auto s = from + 1; s < to; ++s)
      if (state_.crossing(s) == 0) return solve_parts(from, s, to);
    while (true) {
      const uint32_t k = choose_block(from, to);
      if (state_.worth_placing(k)) {
        const size_t mark = state_.mark();
        const int32_t last = last_;
        state_.place(k);
        if (state_.propagate() && solve(from, to)) return true;
        last_ = last;
        state_.undo(mark);
        if (over()) return false;
      }
      state_.reject(k);
      if (!state_.propagate()) return false;
    }
  }
};

}  // namespace

SearchResult search_plan(const Group& g, int64_t capacity, const Attempt& attempt) { return Search(g, capacity, attempt).run(); }

}  // namespace tenon::cpu
