// SPDX-License-Identifier: Apache-2.0
// ml.cpp - classical models, as operators of ai.onnx.ml version 3.
#include <algorithm>
#include <numeric>

#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

constexpr const char* kDomain = "ai.onnx.ml";
constexpr int32_t kVersion = 3;

Value ml(Emit& e, std::string_view name, const Values& in, const AttrList& a) { return e.make(kDomain, name, in, a, 1, {}, kVersion)[0]; }

void svm_regressor(Emit& e) {
  e.done({ml(e, "SVMRegressor", {e.in(0)}, e.copied({"coefficients", "kernel_params", "kernel_type", "n_supports", "one_class", "rho", "support_vectors"}))});
}
ONNX_RULE("SVMRegressor", svm_regressor);

/// Labels are the numbers of the classes. With two classes ONNX writes the score of their duel as the second of two columns.
void svm_classifier(Emit& e) {
  const auto per_class = e.attr_ints("vectors_per_class");
  const int64_t classes = e.i("n_classes");
  const bool supports = std::any_of(per_class.begin(), per_class.end(), [](int64_t n) { return n > 0; });
  if (classes < 2 || (classes == 2 && !supports)) throw unsupported("one or two classes without support vectors, whose columns ONNX leaves open").with("hint", "make the model with LinearClassifier");
  AttrList a = e.copied({"coefficients", "kernel_params", "kernel_type", "prob_a", "prob_b", "rho", "support_vectors", "vectors_per_class"});
  std::vector<int64_t> labels(static_cast<size_t>(classes));
  std::iota(labels.begin(), labels.end(), 0);
  a.add("classlabels_ints", labels);
  Values out = e.make(kDomain, "SVMClassifier", {e.in(0)}, a, 2, {}, kVersion);
  if (classes == 2 && e.Attrs::floats("prob_a").empty()) out[1] = e.slice(out[1], 1, 2, 1);
  out.resize(e.n_out());
  e.done(out);
}
ONNX_RULE("SVMClassifier", svm_classifier);

void cast_map(Emit& e) {
  const tenon_dtype t = e.type(e.out());
  if (t != dt::f32 && t != dt::string) throw unsupported("maps of other values than f32 and strings").with("found", dtype_name(t));
  e.done({ml(e, "CastMap", {e.in(0)}, e.copied({"map_form", "max_map"}).add("cast_to", t == dt::f32 ? "TO_FLOAT" : "TO_STRING"))});
}
ONNX_RULE("CastMap", cast_map);

void one_hot_encoder(Emit& e) { e.done({ml(e, "OneHotEncoder", {e.in(0)}, e.copied({"cats_int64s", "cats_strings", "zeros"}))}); }
ONNX_RULE("OneHotEncoder", one_hot_encoder);

/// The constant `keys` as one of two list attributes.
void add_keys(Emit& e, AttrList& a, const char* ints, const char* strings) {
  const Value keys = e.tensor_id("keys");
  const ValueInfo i = e.info(keys);
  const auto bytes = e.graph().constant_bytes(keys);
  const auto n = static_cast<size_t>(i.count());
  if (i.type() == dt::i64) {
    std::vector<int64_t> v(n);
    if (n) std::memcpy(v.data(), bytes.data(), n * sizeof(int64_t));
    a.add(ints, v);
    return;
  }
  std::vector<uint64_t> at(n + 1);
  std::memcpy(at.data(), bytes.data(), at.size() * sizeof(uint64_t));
  const char* text = reinterpret_cast<const char*>(bytes.data() + at.size() * sizeof(uint64_t));
  std::vector<std::string> v;
  for (size_t k = 0; k < n; ++k) v.emplace_back(text + at[k], static_cast<size_t>(at[k + 1] - at[k]));
  a.add(strings, v);
}
void zip_map(Emit& e) {
  if (e.type(e.in(0)) != dt::f32) throw unsupported("maps of other numbers than f32").with("found", dtype_name(e.type(e.in(0))));
  AttrList a;
  add_keys(e, a, "classlabels_int64s", "classlabels_strings");
  e.done({ml(e, "ZipMap", {e.in(0)}, a)});
}
ONNX_RULE("ZipMap", zip_map);
void dict_vectorizer(Emit& e) {
  AttrList a;
  add_keys(e, a, "int64_vocabulary", "string_vocabulary");
  e.done({ml(e, "DictVectorizer", {e.in(0)}, a)});
}
ONNX_RULE("DictVectorizer", dict_vectorizer);

/// Trees as lists of nodes by tree, leaves among them.
class Trees {
  Emit& e_;
  std::vector<int64_t> features_, modes_, yes_, no_, missing_, offsets_, leaf_targets_;
  std::vector<double> splits_, weights_;
  std::vector<int64_t> tree_, node_, feature_, true_, false_, tracks_, target_tree_, target_node_, target_;
  std::vector<std::string> mode_;
  std::vector<double> value_, weight_;
  static constexpr size_t kMost = 1u << 24;

  std::vector<double> numbers(const char* name) const {
    const Value v = e_.tensor_id(name);
    if (v && e_.type(v) != dt::f32) throw unsupported("trees of other numbers than f32").with("found", dtype_name(e_.type(v)));
    return v ? e_.constant_numbers(v).value() : std::vector<double>();
  }
  void leaf(int64_t tree, int64_t node, size_t number) {
    row(tree, node, 0, "LEAF", 0, 0, 0, 0);
    for (int64_t k = offsets_.at(number); k < offsets_.at(number + 1); ++k) {
      target_tree_.push_back(tree);
      target_node_.push_back(node);
      target_.push_back(leaf_targets_.at(static_cast<size_t>(k)));
      weight_.push_back(weights_.at(static_cast<size_t>(k)));
    }
  }
  void row(int64_t tree, int64_t node, int64_t feature, const char* mode, double value, int64_t yes, int64_t no, int64_t tracks) {
    tree_.push_back(tree);
    node_.push_back(node);
    feature_.push_back(feature);
    mode_.emplace_back(mode);
    value_.push_back(value);
    true_.push_back(yes);
    false_.push_back(no);
    tracks_.push_back(tracks);
    if (tree_.size() > kMost) throw unsupported("more than 2^24 nodes of trees");
  }
  void tree(int64_t number, int64_t root) {
    static constexpr const char* names[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"};
    std::vector<int64_t> open = {root};
    for (size_t at = 0; at < open.size(); ++at) {
      const auto id = static_cast<int64_t>(at);
      if (open[at] < 0) {
        leaf(number, id, static_cast<size_t>(-1 - open[at]));
        continue;
      }
      const auto n = static_cast<size_t>(open[at]);
      const int64_t mode = modes_.at(n), next = static_cast<int64_t>(open.size());
      if (mode < 0 || mode > 5) throw unsupported("a tree that tests membership in a set");
      row(number, id, features_.at(n), names[mode], splits_.at(n), next, next + 1, missing_.empty() ? 0 : missing_.at(n));
      open.push_back(yes_.at(n));
      open.push_back(no_.at(n));
    }
  }
  AttrList attributes(const std::vector<double>& weight, const char* aggregate, bool with_base) const {
    AttrList a;
    a.add("n_targets", e_.i("n_targets")).add("aggregate_function", aggregate).add("nodes_treeids", tree_).add("nodes_nodeids", node_).add("nodes_featureids", feature_);
    a.add("nodes_modes", mode_).add("nodes_values", value_).add("nodes_truenodeids", true_).add("nodes_falsenodeids", false_).add("nodes_missing_value_tracks_true", tracks_);
    a.add("target_treeids", target_tree_).add("target_nodeids", target_node_).add("target_ids", target_).add("target_weights", weight);
    if (const auto base = with_base ? numbers("base_values") : std::vector<double>(); !base.empty()) a.add("base_values", base);
    return a;
  }

 public:
  explicit Trees(Emit& e)
      : e_(e), features_(e.attr_ints("nodes_features")), modes_(e.attr_ints("nodes_modes")), yes_(e.attr_ints("nodes_true")), no_(e.attr_ints("nodes_false")),
        missing_(e.attr_ints("nodes_missing_true")), offsets_(e.attr_ints("leaf_offsets")), leaf_targets_(e.attr_ints("leaf_targets")), splits_(numbers("nodes_splits")),
        weights_(numbers("leaf_weights")) {}
  void run() {
    if (e_.type(e_.out()) != dt::f32 && e_.out()) throw unsupported("trees of other numbers than f32").with("found", dtype_name(e_.type(e_.out())));
    int64_t number = 0;
    for (int64_t root : e_.attr_ints("roots")) tree(number++, root);
    const std::string how = e_.s("aggregate", "SUM");
    Values all = {ml(e_, "TreeEnsembleRegressor", {e_.in(0)}, attributes(weight_, how.c_str(), true)), 0};
    if (e_.n_out() > 1 && e_.out(1)) {
      const Value leaves = ml(e_, "TreeEnsembleRegressor", {e_.in(0)}, attributes(std::vector<double>(weight_.size(), 1), "SUM", false));
      all[1] = e_.op("Greater", {leaves, e_.number(dt::f32, 0)});
    }
    all.resize(e_.n_out());
    e_.done(all);
  }
};
void tree_ensemble(Emit& e) { Trees(e).run(); }
ONNX_RULE("TreeEnsemble", tree_ensemble);

}  // namespace
}  // namespace tenon::to_onnx
