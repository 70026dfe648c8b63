// SPDX-License-Identifier: Apache-2.0
// growth.hpp - finds what is repeated around the nodes of one label: all of them grow together, node by node, as long as they agree.
#pragma once
#include <vector>

#include "outline/node_table.hpp"

namespace tenon::passes::outline {

/// Disjoint sets of nodes. Member k of each has the same label, and is wired to the others in the same way as far as growth went.
struct Repeats {
  std::vector<std::vector<uint32_t>> instances;
  size_t n_members() const { return instances.empty() ? 0 : instances[0].size(); }
  /// Nodes that are left over when one body and a call for each instance take their place.
  int64_t saved() const {
    const auto n = static_cast<int64_t>(instances.size()), m = static_cast<int64_t>(n_members());
    return n * m - m - n;
  }
};

/// Members that are no calls: a repeat of calls alone is none.
inline size_t own_nodes(const NodeTable& t, const Repeats& r) {
  size_t n = 0;
  for (size_t k = 0; k < r.n_members(); ++k) n += !t.is_call[r.instances[0][k]];
  return n;
}

class Growth {
 public:
  /// `taken`: nodes that are no longer free.
  Growth(const NodeTable& t, const std::vector<uint8_t>& taken, size_t min_repeats) : t_(t), taken_(taken), min_repeats_(min_repeats), owner_(t.size(), kNone) {}
  /// The most that repeats around the free nodes among `seeds`, which have one label.
  Repeats run(const std::vector<uint32_t>& seeds);

 private:
  /// A way from a member to a node that is none yet.
  struct Step {
    bool forward;
    uint32_t member;
    uint32_t output;  ///< forward: of the member
    uint32_t slot;    ///< input: of the member, or of its user
    uint32_t label;   ///< of what is found
  };
  struct Snapshot {
    std::vector<std::vector<uint32_t>> instances;
    int64_t saved = 0;
  };

  void add_member(const std::vector<uint32_t>& nodes);
  void push_steps(uint32_t member);
  uint32_t find(const std::vector<uint32_t>& instance, const Step& s) const;
  /// What the step finds in each instance; kNone where it cannot be taken. Returns how many it can.
  size_t look(const Step& s, std::vector<uint32_t>* found);
  void grow();
  bool drop();
  void remember(Repeats* best) const;
  const std::vector<uint32_t>& pivot() const { return instances_[pivot_]; }

  const NodeTable& t_;
  const std::vector<uint8_t>& taken_;
  size_t min_repeats_;
  std::vector<uint32_t> owner_;  ///< instance number; of no use after a run
  std::vector<std::vector<uint32_t>> instances_;
  size_t pivot_ = 0;  ///< whose surroundings the others are compared with
  std::vector<Step> open_, refused_;
};

/// Instances of fewer than `min_nodes` nodes that follow one another in chains: as many in a row as save most.
Repeats join_chains(const NodeTable& t, Repeats r, size_t min_nodes);

/// The instances whose wiring is exactly that of most of them.
Repeats same_wiring(const NodeTable& t, const Repeats& r);

}  // namespace tenon::passes::outline
