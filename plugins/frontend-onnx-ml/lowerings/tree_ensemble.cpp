// SPDX-License-Identifier: Apache-2.0
// tree_ensemble.cpp - TreeEnsemble of version 5: nodes and leaves in lists of their own, with tests of membership.
#include <cmath>

#include "trees.hpp"

namespace tenon::contrib {
namespace {

constexpr int64_t kMember = 6;

std::string named(const char* what, int64_t number, std::initializer_list<const char*> names) {
  if (number < 0 || number >= static_cast<int64_t>(names.size()))
    throw invalid(std::string("unknown ") + what).with("expected", "0 to " + std::to_string(names.size() - 1)).with("found", std::to_string(number));
  return names.begin()[number];
}

/// Children: a leaf k is -1 - k.
std::vector<int64_t> children(Lower& l, const std::string& branch) {
  auto ids = attr_ints(l, "nodes_" + branch + "nodeids");
  const auto leaf = attr_ints(l, "nodes_" + branch + "leafs");
  if (ids.size() != leaf.size())
    throw invalid("the lists of children have different lengths").with("found", std::to_string(ids.size()) + " and " + std::to_string(leaf.size()));
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0) throw invalid("a node has a negative child").with("found", std::to_string(ids[i]));
    if (leaf[i]) ids[i] = -1 - ids[i];
  }
  return ids;
}

/// Sets of members, each ended by NaN, in the order of the nodes that test them. Such a node's split becomes the number of its set.
void add_members(Lower& l, Trees& t) {
  const Numbers values = numbers_of(l, "membership_values", "");
  t.members.wide = values.wide;
  for (double v : values.v) {
    if (std::isnan(v)) t.member_offsets.push_back(static_cast<int64_t>(t.members.v.size()));
    else t.members.v.push_back(v);
  }
  if (t.member_offsets.back() != static_cast<int64_t>(t.members.v.size())) t.member_offsets.push_back(static_cast<int64_t>(t.members.v.size()));
  int64_t set = 0;
  for (size_t i = 0; i < t.modes.size() && i < t.splits.v.size(); ++i)
    if (t.modes[i] == kMember) t.splits.v[i] = static_cast<double>(set++);
  if (set != static_cast<int64_t>(t.member_offsets.size()) - 1)
    throw invalid("there is not one set of members for each node that tests membership").with("expected", std::to_string(set)).with("found", std::to_string(t.member_offsets.size() - 1));
}

void lower_tree_ensemble(Lower& l) {
  known(l, {"aggregate_function", "leaf_targetids", "leaf_weights", "membership_values", "n_targets", "nodes_falseleafs", "nodes_falsenodeids", "nodes_featureids", "nodes_hitrates",
            "nodes_missing_value_tracks_true", "nodes_modes", "nodes_splits", "nodes_trueleafs", "nodes_truenodeids", "post_transform", "tree_roots"});
  arity(l, 1, 1);
  Trees t;
  t.features = attr_ints(l, "nodes_featureids");
  for (double m : numbers_of(l, "nodes_modes", "").v) t.modes.push_back(static_cast<int64_t>(m));
  t.splits = numbers_of(l, "nodes_splits", "");
  t.yes = children(l, "true");
  t.no = children(l, "false");
  t.missing = attr_ints(l, "nodes_missing_value_tracks_true");
  t.roots = attr_ints(l, "tree_roots");
  t.leaf_targets = attr_ints(l, "leaf_targetids");
  t.leaf_weights = numbers_of(l, "leaf_weights", "");
  for (size_t k = 1; k <= t.leaf_targets.size(); ++k) t.leaf_offsets.push_back(static_cast<int64_t>(k));
  t.targets = l.i("n_targets", 1);
  t.aggregate = named("aggregate_function", l.i("aggregate_function", 1), {"AVERAGE", "SUM", "MIN", "MAX"});
  t.dtype = dtype_name(type_of(l, need(l, 0)));
  add_members(l, t);
  const std::string transform = named("post_transform", l.i("post_transform", 0), {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"});
  l.done({regression_transform(l, transform, t.emit(l, l.in(0))[0], t.targets, type_of(l, l.in(0)))});
}
TENON_LOWERING("ai.onnx.ml", "TreeEnsemble", 5, lower_tree_ensemble);

}  // namespace
}  // namespace tenon::contrib
