// SPDX-License-Identifier: Apache-2.0
#include "ml/forest.hpp"

#include "common/infer.hpp"
#include "ml/features.hpp"

namespace tenon::ops {
namespace {

std::vector<double> numbers(const Node& node, const char* name) {
  const Tensor t = node.tensor(name);
  if (!t) return {};
  return Features(t).data;
}

Aggregate aggregate_of(const std::string& name) {
  if (name == "SUM") return Aggregate::sum;
  if (name == "AVERAGE") return Aggregate::average;
  if (name == "MIN") return Aggregate::minimum;
  if (name == "MAX") return Aggregate::maximum;
  throw invalid("unknown aggregate").with("expected", "SUM, AVERAGE, MIN or MAX").with("found", name);
}

void expect_length(const char* what, size_t expected, size_t found) {
  if (expected != found) fail(std::string(what) + " has a wrong length", std::to_string(expected), std::to_string(found));
}

/// Starts of parts of a list of `total` elements, its end behind them.
void expect_offsets(const char* what, const std::vector<int64_t>& v, size_t total) {
  const bool rising = !v.empty() && v.front() == 0 && std::is_sorted(v.begin(), v.end()) && v.back() == static_cast<int64_t>(total);
  if (!rising) fail(std::string(what) + " is no list of offsets", "rising from 0 to " + std::to_string(total), std::to_string(v.size()) + " elements");
}

}  // namespace

Forest::Forest(const Node& node) : roots_(node.ints("roots")), base_(numbers(node, "base_values")), targets_(node.i("n_targets")), aggregate_(aggregate_of(node.s("aggregate", "SUM"))) {
  if (targets_ < 1) fail("n_targets is too small", "at least 1", std::to_string(targets_));
  if (!base_.empty()) expect_length("base_values", static_cast<size_t>(targets_), base_.size());
  read_leaves(node);
  read_members(node);
  read_splits(node);
  for (int64_t r : roots_) check_child(r);
  check_no_cycles();
}

void Forest::read_leaves(const Node& node) {
  leaf_begin_ = node.ints("leaf_offsets");
  leaf_target_ = node.ints("leaf_targets");
  leaf_weight_ = numbers(node, "leaf_weights");
  expect_length("leaf_weights", leaf_target_.size(), leaf_weight_.size());
  expect_offsets("leaf_offsets", leaf_begin_, leaf_target_.size());
  for (int64_t t : leaf_target_)
    if (t < 0 || t >= targets_) fail("a leaf has an unknown target", "0 to " + std::to_string(targets_ - 1), std::to_string(t));
}

void Forest::read_members(const Node& node) {
  const auto begin = node.ints("member_offsets", {0});
  const auto values = numbers(node, "member_values");
  expect_offsets("member_offsets", begin, values.size());
  for (size_t i = 0; i + 1 < begin.size(); ++i) members_.emplace_back(values.begin() + begin[i], values.begin() + begin[i + 1]);
}

void Forest::read_splits(const Node& node) {
  const auto feature = node.ints("nodes_features"), mode = node.ints("nodes_modes"), yes = node.ints("nodes_true"), no = node.ints("nodes_false"), missing = node.ints("nodes_missing_true");
  const auto value = numbers(node, "nodes_splits");
  const size_t n = feature.size();
  expect_length("nodes_modes", n, mode.size());
  expect_length("nodes_true", n, yes.size());
  expect_length("nodes_false", n, no.size());
  expect_length("nodes_splits", n, value.size());
  if (!missing.empty()) expect_length("nodes_missing_true", n, missing.size());
  splits_.reserve(n);
  for (size_t i = 0; i < n; ++i) {
    if (mode[i] < 0 || mode[i] > static_cast<int64_t>(Branch::member)) fail("a node has an unknown mode", "0 to 6", std::to_string(mode[i]));
    if (feature[i] < 0) fail("a node has a negative feature", "0 or more", std::to_string(feature[i]));
    splits_.push_back({feature[i], yes[i], no[i], value[i], static_cast<Branch>(mode[i]), !missing.empty() && missing[i] != 0});
    const bool known_set = value[i] >= 0 && value[i] < static_cast<double>(members_.size());
    if (splits_.back().mode == Branch::member && !known_set) throw invalid("a node tests membership of a set that is not there").with("found", std::to_string(value[i]));
    features_ = std::max(features_, feature[i] + 1);
  }
  for (const Split& s : splits_) check_child(s.yes), check_child(s.no);
}

void Forest::check_child(int64_t child) const {
  const int64_t leaves = static_cast<int64_t>(leaf_begin_.size()) - 1;
  if (child >= static_cast<int64_t>(splits_.size()) || child < -leaves)
    throw invalid("a node or root leads to a node that is not there").with("found", std::to_string(child));
}

/// Every split must be left on all ways after finitely many steps.
void Forest::check_no_cycles() const {
  enum : uint8_t { unseen, open, done };
  std::vector<uint8_t> state(splits_.size(), unseen);
  std::vector<int64_t> stack;
  for (int64_t root : roots_) {
    stack.push_back(root);
    while (!stack.empty()) {
      const int64_t at = stack.back();
      if (at < 0 || state[static_cast<size_t>(at)] == done) {
        stack.pop_back();
        continue;
      }
      uint8_t& s = state[static_cast<size_t>(at)];
      if (s == open) {
        s = done;
        stack.pop_back();
        continue;
      }
      s = open;
      for (int64_t child : {splits_[static_cast<size_t>(at)].yes, splits_[static_cast<size_t>(at)].no}) {
        if (child >= 0 && state[static_cast<size_t>(child)] == open) throw invalid("the nodes of a tree form a cycle");
        stack.push_back(child);
      }
    }
  }
}

bool Forest::goes_yes(const Split& s, double x) const {
  switch (s.mode) {
    case Branch::less_equal: return x <= s.value;
    case Branch::less: return x < s.value;
    case Branch::greater_equal: return x >= s.value;
    case Branch::greater: return x > s.value;
    case Branch::equal: return x == s.value;
    case Branch::not_equal: return x != s.value;
    case Branch::member: return members_[static_cast<size_t>(s.value)].count(x) != 0;
  }
  return false;
}

int64_t Forest::leaf_of(const double* row, int64_t at) const {
  while (at >= 0) {
    const Split& s = splits_[static_cast<size_t>(at)];
    const double x = row[s.feature];
    at = goes_yes(s, x) || (s.missing_goes_yes && std::isnan(x)) ? s.yes : s.no;
  }
  return -1 - at;
}

void Forest::add_leaf(int64_t leaf, double* out, uint8_t* reached) const {
  for (int64_t i = leaf_begin_[static_cast<size_t>(leaf)]; i < leaf_begin_[static_cast<size_t>(leaf) + 1]; ++i) {
    const auto t = static_cast<size_t>(leaf_target_[static_cast<size_t>(i)]);
    const double w = leaf_weight_[static_cast<size_t>(i)];
    if (!reached[t]) out[t] = w;
    else if (aggregate_ == Aggregate::minimum) out[t] = std::min(out[t], w);
    else if (aggregate_ == Aggregate::maximum) out[t] = std::max(out[t], w);
    else out[t] += w;
    reached[t] = 1;
  }
}

void Forest::predict(const double* row, double* out, uint8_t* reached) const {
  std::fill_n(out, targets_, 0.0);
  std::fill_n(reached, targets_, uint8_t{0});
  for (int64_t root : roots_) add_leaf(leaf_of(row, root), out, reached);
  for (int64_t t = 0; t < targets_; ++t) {
    if (aggregate_ == Aggregate::average && !roots_.empty()) out[t] /= static_cast<double>(roots_.size());
    if (!base_.empty()) out[t] += base_[static_cast<size_t>(t)];
  }
}

}  // namespace tenon::ops
