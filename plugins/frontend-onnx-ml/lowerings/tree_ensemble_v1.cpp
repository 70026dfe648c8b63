// SPDX-License-Identifier: Apache-2.0
// tree_ensemble_v1.cpp - TreeEnsembleClassifier and TreeEnsembleRegressor, since versions 1 and 3 (which adds numbers as tensors).
#include <limits>

#include "trees.hpp"

namespace tenon::contrib {
namespace {

constexpr std::string_view kNodes[] = {
    "base_values", "base_values_as_tensor", "nodes_falsenodeids", "nodes_featureids", "nodes_hitrates", "nodes_hitrates_as_tensor", "nodes_missing_value_tracks_true", "nodes_modes",
    "nodes_nodeids", "nodes_treeids", "nodes_truenodeids", "nodes_values", "nodes_values_as_tensor", "post_transform"};

/// The attributes of the nodes and these.
void known_with_nodes(const Lower& l, Names more) {
  std::vector<std::string_view> all(std::begin(kNodes), std::end(kNodes));
  all.insert(all.end(), more);
  known(l, Span<std::string_view>(all.data(), all.size()));
}

void check_base(const Trees& t, size_t expected) {
  if (!t.base.v.empty() && t.base.v.size() != expected)
    throw unsupported("attribute 'base_values' has a length whose meaning is not defined").with("expected", std::to_string(expected)).with("found", std::to_string(t.base.v.size()));
}

void lower_regressor(Lower& l) {
  known_with_nodes(l, {"aggregate_function", "n_targets", "target_ids", "target_nodeids", "target_treeids", "target_weights", "target_weights_as_tensor"});
  arity(l, 1, 1);
  Trees t = read_trees(l, read_leaves(l, "target"));
  t.targets = l.i("n_targets", 1);
  t.aggregate = l.s("aggregate_function", "SUM");
  check_base(t, static_cast<size_t>(t.targets));
  l.done({regression_transform(l, post_transform_of(l), t.emit(l, need(l, 0))[0], t.targets)});
}
TENON_LOWERING("ai.onnx.ml", "TreeEnsembleRegressor", 1, lower_regressor);

/// Class number 1 where p [rows, 1] is above the threshold.
tenon_value above(Lower& l, tenon_value p, float threshold) { return cast(l, l.emit("Greater", {l.emit("Squeeze", {p, l.ints({1})}), l.scalar<float>(threshold)}), dt::i64); }

/// Number of the largest score among the classes that a leaf had a weight for.
tenon_value largest(Lower& l, const Trees& t, const std::vector<tenon_value>& out) {
  tenon_value scores = out[0];
  if (t.base.v.empty()) scores = l.emit("Where", {out[1], scores, l.scalar<float>(-std::numeric_limits<float>::infinity())});
  return l.emit("ArgMax", {scores}, AttrList{}.set("axis", 1).set("keepdims", 0));
}

/// Two classes whose weights all go to one: it is the positive class, and its score (a probability when no weight is negative) decides.
void two_classes(Lower& l, const Labels& labels, Trees& t, int64_t id, const std::string& transform) {
  const bool probability = std::none_of(t.leaf_weights.v.begin(), t.leaf_weights.v.end(), [](double w) { return w < 0; });
  const float threshold = probability ? 0.5f : 0.0f;
  t.targets = id == 0 ? 1 : 2;
  check_base(t, static_cast<size_t>(t.targets));
  tenon_value scores = t.emit(l, l.in(0))[0];
  if (id == 0) return l.done({labels.at(l, above(l, scores, threshold)), second_class(l, transform, scores, !probability)});
  l.done({labels.at(l, above(l, slice(l, scores, 1, 1, 2), threshold)), post_transform(l, transform, scores)});
}

void lower_classifier(Lower& l) {
  known_with_nodes(l, {"class_ids", "class_nodeids", "class_treeids", "class_weights", "class_weights_as_tensor", "classlabels_int64s", "classlabels_strings"});
  arity(l, 1, 1, 2);
  need(l, 0);
  const Labels labels(l, "classlabels_int64s", "classlabels_strings");
  const std::string transform = post_transform_of(l);
  const LeafWeights leaves = read_leaves(l, "class");
  Trees t = read_trees(l, leaves);
  const bool one_id = !leaves.targets.empty() && std::count(leaves.targets.begin(), leaves.targets.end(), leaves.targets[0]) == static_cast<int64_t>(leaves.targets.size());
  if (labels.size() == 2 && one_id) return two_classes(l, labels, t, leaves.targets[0], transform);
  refuse(labels.size() == 1, "a classifier of a single class");
  t.targets = static_cast<int64_t>(labels.size());
  check_base(t, labels.size());
  const auto out = t.emit(l, l.in(0));
  l.done({labels.at(l, largest(l, t, out)), post_transform(l, transform, out[0])});
}
TENON_LOWERING("ai.onnx.ml", "TreeEnsembleClassifier", 1, lower_classifier);

}  // namespace
}  // namespace tenon::contrib
