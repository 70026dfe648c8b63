// SPDX-License-Identifier: Apache-2.0
// attr_set.hpp - the attributes of a node: an immutable list that owns its text and arrays, shared between copies of a model.
#pragma once
#include <tenon/abi.h>

#include <memory>
#include <vector>

namespace tenon::core {

class AttrSet {
 public:
  /// Deep copy of names and arrays. Nested graphs and tensors are references (ids) and stay as they are.
  static std::shared_ptr<const AttrSet> make(const tenon_attr* a, uint64_t n);
  /// `base` with the given attributes replaced, added, or removed (type 0); order: base's, then new ones.
  static std::shared_ptr<const AttrSet> merged(const AttrSet* base, const tenon_attr* a, uint64_t n);
  const tenon_attr* data() const { return a_.data(); }
  uint64_t size() const { return a_.size(); }
  bool has_graphs() const { return graphs_; }
  /// Calls f(tenon_graph*&) for every nested graph; only while the set is being made.
  template <class F> std::shared_ptr<const AttrSet> with_graphs(F&& f) const;

 private:
  std::vector<tenon_attr> a_;
  std::vector<std::unique_ptr<char[]>> store_;
  bool graphs_ = false;
};

template <class F>
std::shared_ptr<const AttrSet> AttrSet::with_graphs(F&& f) const {
  std::vector<tenon_attr> a = a_;
  std::vector<std::vector<tenon_graph*>> lists;
  lists.reserve(a.size());
  for (auto& x : a) {
    if (x.type == TENON_AT_GRAPH) x.v.graph = f(x.v.graph);
    if (x.type == TENON_AT_GRAPHS) {
      lists.emplace_back(x.v.graphs, x.v.graphs + x.count);
      for (auto& g : lists.back()) g = f(g);
      x.v.graphs = lists.back().data();
    }
  }
  return make(a.data(), a.size());
}

}  // namespace tenon::core
