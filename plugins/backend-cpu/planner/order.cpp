// SPDX-License-Identifier: Apache-2.0
#include "order.hpp"

#include <algorithm>
#include <numeric>
#include <queue>

namespace tenon::cpu {
namespace {

constexpr uint32_t kNoNode = UINT32_MAX;

/// Most bytes alive at once: when every output takes new memory, and when it takes that of a dying input of the same size.
struct Peak {
  int64_t apart = 0, in_place = 0;
};

/// What each node reads and makes, in values that have memory of their own.
class Needs {
  const std::vector<PlanNode>& nodes_;
  const std::vector<PlanValue>& values_;
  std::vector<ValueId> root_;                          // of each value: the one whose memory it is in
  std::vector<std::vector<uint32_t>> readers_;         // of each root
  std::vector<uint8_t> kept_;                          // of each root: not made here, or read where nobody sees it
  std::vector<std::vector<ValueId>> reads_;            // of each node: roots
  std::vector<uint32_t> given_;                        // nodes that are left
  std::vector<uint32_t> writer_;                       // of each value
  std::vector<std::vector<uint32_t>> after_, before_;  // of each node: those that read from it, those that it reads from

 public:
  Needs(const std::vector<PlanNode>& nodes, const std::vector<PlanValue>& values)
      : nodes_(nodes), values_(values), root_(values.size()), readers_(values.size()), kept_(values.size(), 1), reads_(nodes.size()), writer_(values.size(), kNoNode),
        after_(nodes.size()), before_(nodes.size()) {
    std::iota(root_.begin(), root_.end(), ValueId{0});
    for (uint32_t i = 0; i < nodes.size(); ++i)
      if (!nodes[i].gone) add(i);
    for (ValueId v = 0; v < values.size(); ++v)
      if (is_read_elsewhere(values[v].last_use)) kept_[root_[v]] = 1;
  }
  const std::vector<uint32_t>& given() const { return given_; }

  size_t size() const { return nodes_.size(); }
  size_t values() const { return values_.size(); }
  bool gone(uint32_t i) const { return nodes_[i].gone; }
  bool stays(uint32_t i) const { return nodes_[i].flags & (TENON_NF_SUBGRAPHS | TENON_NF_SIDE_EFFECTS | TENON_NF_NONDETERMINISTIC); }
  const std::vector<ValueId>& reads(uint32_t i) const { return reads_[i]; }
  const std::vector<uint32_t>& readers(ValueId root) const { return readers_[root]; }
  std::vector<uint32_t> readers() const {
    std::vector<uint32_t> n;
    for (const auto& r : readers_) n.push_back(static_cast<uint32_t>(r.size()));
    return n;
  }
  template <class F> void each_before(uint32_t i, F&& f) const { std::for_each(before_[i].begin(), before_[i].end(), f); }
  template <class F> void each_after(uint32_t i, F&& f) const { std::for_each(after_[i].begin(), after_[i].end(), f); }
  /// Bytes that are alive after the node and were not before.
  int64_t change(uint32_t i, const std::vector<uint32_t>& left) const {
    int64_t sum = bytes_made(i);
    for (auto r : reads_[i])
      if (left[r] == 1 && !kept_[r]) sum -= bytes(r);
    return sum;
  }

  /// Bytes that are alive before the node and not after it, given which roots are alive after it.
  int64_t change_back(uint32_t i, const std::vector<uint8_t>& alive) const {
    int64_t sum = -bytes_made(i);
    for (auto r : reads_[i])
      if (!alive[r] && !kept_[r]) sum += bytes(r);
    return sum;
  }

  Peak peak(const std::vector<uint32_t>& order) const {
    std::vector<uint32_t> left = readers();
    Peak most;
    int64_t alive = 0;
    for (auto i : order) {
      const int64_t made = bytes_made(i);
      int64_t freed = 0, shared = 0;
      for (auto r : reads_[i]) {
        if (--left[r] > 0 || kept_[r]) continue;
        freed += bytes(r);
        if (bytes(r) == made) shared = made;
      }
      alive += made;
      most.apart = std::max(most.apart, alive);
      most.in_place = std::max(most.in_place, alive - shared);
      alive -= freed;
    }
    return most;
  }

 private:
  void add(uint32_t i) {
    const PlanNode& n = nodes_[i];
    given_.push_back(i);
    auto read = [&](ValueId v) {
      if (v == kNoValue) return;
      if (writer_[v] != kNoNode) {
        before_[i].push_back(writer_[v]);
        after_[writer_[v]].push_back(i);
      }
      reads_[i].push_back(root_[v]);
    };
    for (auto v : n.in) read(v);
    for (const auto& p : n.posts) read(p.operand);
    std::sort(reads_[i].begin(), reads_[i].end());
    reads_[i].erase(std::unique(reads_[i].begin(), reads_[i].end()), reads_[i].end());
    for (auto r : reads_[i]) readers_[r].push_back(i);
    for (auto v : n.out) {
      if (v == kNoValue) continue;
      writer_[v] = i;
      if (is_view(n)) root_[v] = root_[n.in[0]];
      else kept_[v] = 0;
    }
  }
  /// By the caller, or by a graph inside the last reader.
  bool is_read_elsewhere(int32_t last_use) const {
    return last_use == kForever || (last_use >= 0 && (nodes_[static_cast<size_t>(last_use)].flags & TENON_NF_SUBGRAPHS));
  }
  static bool is_view(const PlanNode& n) {
    return n.has_in(0) && (n.op == "Reshape" || n.op == "Flatten" || n.op == "Squeeze" || n.op == "Unsqueeze" || n.op == "Identity");
  }
  int64_t bytes(ValueId v) const { return values_[v].known ? static_cast<int64_t>((values_[v].bytes() + 63) / 64 * 64) : 0; }
  int64_t bytes_made(uint32_t i) const {
    int64_t sum = 0;
    for (auto v : nodes_[i].out)
      if (v != kNoValue && root_[v] == v) sum += bytes(v);
    return sum;
  }
};

/// A node that can come next and how the bytes alive change with it.
struct Ready {
  int64_t change;
  uint32_t node;
  bool operator<(const Ready& o) const { return change != o.change ? change > o.change : node > o.node; }
};

/// Always the node that leaves least alive, among those whose inputs are there.
class Walk {
  const Needs& needs_;
  std::vector<uint32_t> left_, missing_;  // readers of each root, inputs of each node, that are still to come
  std::vector<uint8_t> done_;
  std::priority_queue<Ready> ready_;
  std::vector<uint32_t> order_;

 public:
  explicit Walk(const Needs& needs) : needs_(needs), left_(needs.readers()), missing_(needs.size(), 0), done_(needs.size(), 0) {}

  /// Appends the nodes [from, to); all before them are there.
  void part(uint32_t from, uint32_t to) {
    for (auto i = from; i < to; ++i)
      needs_.each_before(i, [&](uint32_t w) { missing_[i] += w >= from; });
    for (auto i = from; i < to; ++i)
      if (missing_[i] == 0) offer(i);
    while (!ready_.empty()) {
      const uint32_t i = ready_.top().node;
      ready_.pop();
      if (!done_[i]) place(i, to);
    }
  }
  std::vector<uint32_t> take() { return std::move(order_); }

 private:
  void offer(uint32_t i) {
    if (!needs_.gone(i)) ready_.push({needs_.change(i, left_), i});
  }
  void place(uint32_t i, uint32_t to) {
    done_[i] = 1;
    order_.push_back(i);
    for (auto r : needs_.reads(i)) {
      if (--left_[r] != 1) continue;
      for (auto last : needs_.readers(r))
        if (!done_[last] && last < to && missing_[last] == 0) offer(last);
    }
    needs_.each_after(i, [&](uint32_t k) {
      if (k < to && --missing_[k] == 0) offer(k);
    });
  }
};

/// From the end to the beginning: always the node before which least is alive, among those whose readers are there. So large values
/// are made late, where the walk forwards is tempted by small ones.
class WalkBack {
  const Needs& needs_;
  std::vector<uint8_t> alive_, done_;
  std::vector<uint32_t> missing_;  // readers of each node's values that are still to come
  std::priority_queue<Ready> ready_;
  std::vector<uint32_t> order_;

 public:
  explicit WalkBack(const Needs& needs) : needs_(needs), alive_(needs.values(), 0), done_(needs.size(), 0), missing_(needs.size(), 0) {}

  /// Appends the nodes [from, to); all behind them are there.
  void part(uint32_t from, uint32_t to) {
    for (auto i = from; i < to; ++i)
      needs_.each_after(i, [&](uint32_t r) { missing_[i] += r < to; });
    for (auto i = from; i < to; ++i)
      if (missing_[i] == 0) offer(i);
    while (!ready_.empty()) {
      const uint32_t i = ready_.top().node;
      ready_.pop();
      if (!done_[i]) place(i, from);
    }
  }
  std::vector<uint32_t> take() {
    std::reverse(order_.begin(), order_.end());
    return std::move(order_);
  }

 private:
  void offer(uint32_t i) {
    if (!needs_.gone(i)) ready_.push({needs_.change_back(i, alive_), i});
  }
  void place(uint32_t i, uint32_t from) {
    done_[i] = 1;
    order_.push_back(i);
    for (auto r : needs_.reads(i)) {
      if (alive_[r]) continue;
      alive_[r] = 1;
      for (auto other : needs_.readers(r))
        if (!done_[other] && other >= from && missing_[other] == 0) offer(other);
    }
    needs_.each_before(i, [&](uint32_t k) {
      if (k >= from && --missing_[k] == 0) offer(k);
    });
  }
};

/// Ranges of nodes that may change places; a node that stays is a range of its own.
std::vector<std::pair<uint32_t, uint32_t>> parts_of(const Needs& needs) {
  std::vector<std::pair<uint32_t, uint32_t>> parts;
  for (uint32_t from = 0, to = 0; from < needs.size(); from = to) {
    to = from + 1;
    if (!needs.stays(from))
      while (to < needs.size() && !needs.stays(to)) ++to;
    parts.emplace_back(from, to);
  }
  return parts;
}

}  // namespace

void order_nodes(std::vector<PlanNode>& nodes, const std::vector<PlanValue>& values) {
  const Needs needs(nodes, values);
  const auto parts = parts_of(needs);
  Walk forwards(needs);
  for (auto [from, to] : parts) forwards.part(from, to);
  WalkBack backwards(needs);
  for (auto p = parts.rbegin(); p != parts.rend(); ++p) backwards.part(p->first, p->second);
  const Peak given = needs.peak(needs.given());
  Peak least = given;
  std::vector<uint32_t> order;
  for (auto& candidate : {forwards.take(), backwards.take()}) {
    const Peak peak = needs.peak(candidate);
    if (peak.apart >= least.apart || peak.in_place > given.in_place) continue;
    least = peak;
    order = candidate;
  }
  if (order.empty()) return;
  std::vector<PlanNode> sorted;
  for (auto i : order) sorted.push_back(std::move(nodes[i]));
  nodes = std::move(sorted);
}

}  // namespace tenon::cpu
