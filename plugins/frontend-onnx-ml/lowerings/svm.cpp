// SPDX-License-Identifier: Apache-2.0
// svm.cpp - support vector machines.
#include "classifier.hpp"

namespace tenon::contrib {
namespace {

void need_attributes(const Lower& l) {
  for (const char* name : {"coefficients", "rho"})
    if (l.Attrs::floats(name).empty()) throw invalid(std::string("attribute '") + name + "' is missing or empty");
}

void lower_regressor(Lower& l) {
  known(l, {"coefficients", "kernel_params", "kernel_type", "n_supports", "one_class", "post_transform", "rho", "support_vectors"});
  arity(l, 1, 1);
  need_attributes(l);
  AttrList a = copied(l, {"coefficients", "kernel_params", "kernel_type", "n_supports", "one_class", "rho", "support_vectors"});
  l.done({regression_transform(l, post_transform_of(l), l.emit("SVMRegressor", {need(l, 0)}, a), 1)});
}
TENON_LOWERING("ai.onnx.ml", "SVMRegressor", 1, lower_regressor);

/// One score for two classes (no probabilities) becomes two columns.
tenon_value transformed(Lower& l, tenon_value scores, size_t classes, bool duel) {
  const std::string name = post_transform_of(l);
  if (!duel || classes != 2) return post_transform(l, name, scores);
  return second_class(l, name, scores, name == "NONE");
}

void lower_classifier(Lower& l) {
  known(l, {"classlabels_ints", "classlabels_strings", "coefficients", "kernel_params", "kernel_type", "post_transform", "prob_a", "prob_b", "rho", "support_vectors", "vectors_per_class"});
  arity(l, 1, 1, 2);
  need_attributes(l);
  const Labels labels(l, "classlabels_ints", "classlabels_strings");
  AttrList a = copied(l, {"coefficients", "kernel_params", "kernel_type", "prob_a", "prob_b", "rho", "support_vectors", "vectors_per_class"});
  a.add("n_classes", static_cast<int64_t>(labels.size()));
  const auto per_class = attr_ints(l, "vectors_per_class");
  const bool supports = std::any_of(per_class.begin(), per_class.end(), [](int64_t n) { return n > 0; });
  const auto out = l.emit_n("SVMClassifier", {need(l, 0)}, a, 2);
  l.done({labels.at(l, out[0]), transformed(l, out[1], labels.size(), supports && l.Attrs::floats("prob_a").empty())});
}
TENON_LOWERING("ai.onnx.ml", "SVMClassifier", 1, lower_classifier);

}  // namespace
}  // namespace tenon::contrib
