// SPDX-License-Identifier: Apache-2.0
// min_cut.hpp - the cheapest way to part a directed graph with capacities into a source's side and a sink's side.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace tenon::passes {

class MinCut {
 public:
  using Id = size_t;
  static constexpr Id kSource = 0, kSink = 1;
  static constexpr int64_t kNever = int64_t{1} << 60;  ///< capacity of an edge that must not be cut

  MinCut();
  ~MinCut();
  Id vertex();
  /// Costs `capacity` when `from` is on the source's side and `to` is not.
  void edge(Id from, Id to, int64_t capacity);
  /// The cost of the cheapest cut. Boykov and Kolmogorov, "An experimental comparison of min-cut/max-flow algorithms", PAMI 2004.
  int64_t solve();
  /// After solve(): the smallest source's side that costs this.
  bool with_source(Id v) const;

 private:
  struct Flow;
  std::unique_ptr<Flow> flow_;
};

}  // namespace tenon::passes
