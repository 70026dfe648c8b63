// SPDX-License-Identifier: Apache-2.0
// forest.hpp - an ensemble of decision trees: each tree leads a row of features to a leaf, whose weights go to targets.
#pragma once
#include <memory>
#include <unordered_set>
#include <vector>

#include <tenon/node.hpp>

namespace tenon::ops {

/// How a feature is compared with a node's split; the numbers are ONNX's of TreeEnsemble 5.
enum class Branch : uint8_t { less_equal, less, greater_equal, greater, equal, not_equal, member };
enum class Aggregate { sum, average, minimum, maximum };

class Forest {
 public:
  /// From the attributes of operator TreeEnsemble; all that they say is checked here, so that walking needs no checks but the features'.
  explicit Forest(const Node& node);
  int64_t targets() const { return targets_; }
  int64_t features() const { return features_; }
  /// Aggregated weights of one row by target; reached[t]: a leaf had a weight for it.
  void predict(const double* row, double* out, uint8_t* reached) const;

 private:
  struct Split {
    int64_t feature, yes, no;  ///< a child below 0 is leaf -1 - child
    double value;
    Branch mode;
    bool missing_goes_yes;
  };
  int64_t leaf_of(const double* row, int64_t at) const;
  bool goes_yes(const Split& s, double x) const;
  void read_splits(const Node& node);
  void read_leaves(const Node& node);
  void read_members(const Node& node);
  void check_child(int64_t child) const;
  void check_no_cycles() const;
  void add_leaf(int64_t leaf, double* out, uint8_t* reached) const;

  std::vector<Split> splits_;
  std::vector<int64_t> leaf_begin_, leaf_target_, roots_;
  std::vector<double> leaf_weight_, base_;
  std::vector<std::unordered_set<double>> members_;
  int64_t targets_ = 0, features_ = 0;
  Aggregate aggregate_ = Aggregate::sum;
};

}  // namespace tenon::ops
