// SPDX-License-Identifier: Apache-2.0
#include "trees.hpp"

#include <map>
#include <set>

namespace tenon::contrib {
namespace {

using NodeKey = std::pair<int64_t, int64_t>;  // tree and node, as the file names them

void expect_length(const char* what, size_t expected, size_t found) {
  if (expected != found)
    throw invalid(std::string("attribute '") + what + "' has a wrong length").with("expected", std::to_string(expected)).with("found", std::to_string(found));
}

std::vector<double> tensor_numbers(Lower& l, tenon_value v) {
  const ValueInfo i = l.info(v);
  const auto bytes = l.graph().constant_bytes(v);
  std::vector<double> r(static_cast<size_t>(i.count()));
  for (size_t k = 0; k < r.size(); ++k) {
    if (i.type() == dt::f64) r[k] = reinterpret_cast<const double*>(bytes.p)[k];
    else if (i.type() == dt::f32) r[k] = reinterpret_cast<const float*>(bytes.p)[k];
    else if (i.type() == dt::u8) r[k] = bytes[k];
    else throw unsupported("a tensor of numbers has an unknown element type").with("expected", "f32, f64 or u8").with("found", dtype_name(i.type()));
  }
  return r;
}

/// 0 to 5 for a comparison, -1 for a leaf.
int64_t mode_of(const std::string& name) {
  static constexpr const char* names[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"};
  if (name == "LEAF") return -1;
  for (int64_t k = 0; k < 6; ++k)
    if (name == names[k]) return k;
  throw unsupported("unknown mode of a node").with("expected", "LEAF, BRANCH_LEQ, _LT, _GTE, _GT, _EQ or _NEQ").with("found", name);
}

class NodeReader {
  Lower& l_;
  Trees trees_;
  std::vector<int64_t> tree_, node_, modes_;
  std::map<NodeKey, int64_t> number_;  // split k, or leaf -1 - k

  void number() {
    const auto names = l_.Attrs::strings("nodes_modes");
    expect_length("nodes_nodeids", tree_.size(), node_.size());
    expect_length("nodes_modes", tree_.size(), names.size());
    int64_t splits = 0, leaves = 0;
    std::set<int64_t> seen;  // the first node of a tree is its root
    for (size_t i = 0; i < tree_.size(); ++i) {
      modes_.push_back(mode_of(names[i]));
      const int64_t n = modes_[i] < 0 ? -1 - leaves++ : splits++;
      if (!number_.emplace(NodeKey{tree_[i], node_[i]}, n).second)
        throw invalid("a node is there twice").with("found", "tree " + std::to_string(tree_[i]) + ", node " + std::to_string(node_[i]));
      if (seen.insert(tree_[i]).second) trees_.roots.push_back(n);
    }
  }
  int64_t child(int64_t tree, int64_t node) const {
    const auto at = number_.find({tree, node});
    if (at == number_.end()) throw invalid("a node leads to a node that is not there").with("found", "tree " + std::to_string(tree) + ", node " + std::to_string(node));
    return at->second;
  }
  void add_splits() {
    const auto feature = attr_ints(l_, "nodes_featureids"), yes = attr_ints(l_, "nodes_truenodeids"), no = attr_ints(l_, "nodes_falsenodeids"), missing = attr_ints(l_, "nodes_missing_value_tracks_true");
    const Numbers values = numbers_of(l_, "nodes_values");
    const size_t n = tree_.size();
    expect_length("nodes_featureids", n, feature.size());
    expect_length("nodes_truenodeids", n, yes.size());
    expect_length("nodes_falsenodeids", n, no.size());
    expect_length("nodes_values", n, values.v.size());
    if (!missing.empty()) expect_length("nodes_missing_value_tracks_true", n, missing.size());
    trees_.splits.wide = values.wide;
    for (size_t i = 0; i < n; ++i) {
      if (modes_[i] < 0) continue;
      trees_.features.push_back(feature[i]);
      trees_.modes.push_back(modes_[i]);
      trees_.splits.v.push_back(values.v[i]);
      trees_.yes.push_back(child(tree_[i], yes[i]));
      trees_.no.push_back(child(tree_[i], no[i]));
      if (!missing.empty()) trees_.missing.push_back(missing[i]);
    }
  }
  void add_leaves(const LeafWeights& w) {
    const size_t leaves = tree_.size() - trees_.features.size();
    std::vector<std::vector<size_t>> of(leaves);
    size_t elsewhere = 0;
    for (size_t i = 0; i < w.targets.size(); ++i) {
      const int64_t n = child(w.trees[i], w.nodes[i]);
      if (n < 0) of[static_cast<size_t>(-1 - n)].push_back(i);
      else ++elsewhere;
    }
    if (elsewhere) warn(l_, std::to_string(elsewhere) + " weights of nodes that are no leaves are not used");
    trees_.leaf_weights.wide = w.weights.wide;
    for (const auto& list : of) {
      for (size_t i : list) {
        trees_.leaf_targets.push_back(w.targets[i]);
        trees_.leaf_weights.v.push_back(w.weights.v[i]);
      }
      trees_.leaf_offsets.push_back(static_cast<int64_t>(trees_.leaf_targets.size()));
    }
  }

 public:
  explicit NodeReader(Lower& l) : l_(l), tree_(attr_ints(l, "nodes_treeids")), node_(attr_ints(l, "nodes_nodeids")) {}
  Trees read(const LeafWeights& leaves) {
    number();
    add_splits();
    add_leaves(leaves);
    trees_.base = numbers_of(l_, "base_values");
    return std::move(trees_);
  }
};

}  // namespace

Numbers numbers_of(Lower& l, const std::string& name, const std::string& suffix) {
  const tenon_value tensor = l.tensor_id(name + suffix);
  if (!tensor) return {l.Attrs::floats(name), false};
  return {tensor_numbers(l, tensor), l.info(tensor).type() == dt::f64};
}

tenon_value constant(Lower& l, const Numbers& n) {
  const Dims dims{static_cast<int64_t>(n.v.size())};
  if (n.wide) return l.graph().add_constant<double>("", dims, n.v.data());
  return floats(l, n.v);
}

LeafWeights read_leaves(Lower& l, const std::string& prefix) {
  LeafWeights w{attr_ints(l, prefix + "_treeids"), attr_ints(l, prefix + "_nodeids"), attr_ints(l, prefix + "_ids"), numbers_of(l, prefix + "_weights")};
  expect_length((prefix + "_nodeids").c_str(), w.trees.size(), w.nodes.size());
  expect_length((prefix + "_ids").c_str(), w.trees.size(), w.targets.size());
  expect_length((prefix + "_weights").c_str(), w.trees.size(), w.weights.v.size());
  return w;
}

Trees read_trees(Lower& l, const LeafWeights& leaves) { return NodeReader(l).read(leaves); }

std::vector<tenon_value> Trees::emit(Lower& l, tenon_value x) const {
  AttrList a;
  a.add("n_targets", targets).add("aggregate", aggregate).add("dtype", dtype).add("roots", roots);
  a.add("nodes_features", features).add("nodes_modes", modes).add("nodes_true", yes).add("nodes_false", no);
  if (!missing.empty()) a.add("nodes_missing_true", missing);
  a.add_tensor("nodes_splits", constant(l, splits));
  a.add("leaf_offsets", leaf_offsets).add("leaf_targets", leaf_targets).add_tensor("leaf_weights", constant(l, leaf_weights));
  if (!base.v.empty()) a.add_tensor("base_values", constant(l, base));
  if (member_offsets.size() > 1) a.add("member_offsets", member_offsets).add_tensor("member_values", constant(l, members));
  return l.emit_n("TreeEnsemble", {x}, a, 2);
}

}  // namespace tenon::contrib
