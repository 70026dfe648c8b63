// SPDX-License-Identifier: Apache-2.0
// trees.hpp - the attributes of operator TreeEnsemble, put together from those of the ONNX operators.
#pragma once
#include "classifier.hpp"

namespace tenon::contrib {

/// Numbers from an attribute, and whether they are doubles.
struct Numbers {
  std::vector<double> v;
  bool wide = false;
};
/// List attribute `name`, or tensor attribute `name` + suffix. Absent: empty.
Numbers numbers_of(Lower& l, const std::string& name, const std::string& tensor_suffix = "_as_tensor");
/// The numbers as a constant, f64 when they are wide.
tenon_value constant(Lower& l, const Numbers& n);

/// One (target, weight) pair of a leaf, which is named by tree and node.
struct LeafWeights {
  std::vector<int64_t> trees, nodes, targets;
  Numbers weights;
};

/// What a TreeEnsemble is told; the numbers of nodes and leaves are this operator's own.
struct Trees {
  std::vector<int64_t> features, modes, yes, no, missing, roots, leaf_offsets{0}, leaf_targets, member_offsets{0};
  Numbers splits, leaf_weights, base, members;
  int64_t targets = 0;
  std::string aggregate = "SUM", dtype = "f32";
  /// [rows, targets], and which targets some leaf had a weight for.
  std::vector<tenon_value> emit(Lower& l, tenon_value x) const;
};

/// Nodes of TreeEnsembleClassifier and TreeEnsembleRegressor, whose leaves are nodes of mode LEAF.
Trees read_trees(Lower& l, const LeafWeights& leaves);
/// Leaf weights from the attributes PREFIX_treeids, _nodeids, _ids and _weights.
LeafWeights read_leaves(Lower& l, const std::string& prefix);

}  // namespace tenon::contrib
