// SPDX-License-Identifier: Apache-2.0
// linear.cpp - linear models: a matrix product, then labels and transforms.
#include "classifier.hpp"

namespace tenon::contrib {
namespace {

/// X times the transposed coefficients [n, features], plus intercepts where there are any.
tenon_value products(Lower& l, int64_t n) {
  const auto coefficients = l.Attrs::floats("coefficients"), intercepts = l.Attrs::floats("intercepts");
  if (n < 1 || coefficients.empty() || coefficients.size() % static_cast<size_t>(n))
    throw invalid("the coefficients are no rows for each target").with("expected", "a multiple of " + std::to_string(n)).with("found", std::to_string(coefficients.size()));
  Values in{feature_rows(l, need(l, 0)), floats(l, coefficients, Dims{n, static_cast<int64_t>(coefficients.size()) / n})};
  if (!intercepts.empty()) in.push_back(floats(l, intercepts, Dims{n}));
  return l.emit("Gemm", in, AttrList{}.set("transB", 1));
}

void lower_regressor(Lower& l) {
  known(l, {"coefficients", "intercepts", "post_transform", "targets"});
  arity(l, 1, 1);
  const int64_t targets = l.i("targets", 1);
  l.done({regression_transform(l, post_transform_of(l), products(l, targets), targets)});
}
TENON_LOWERING("ai.onnx.ml", "LinearRegressor", 1, lower_regressor);

void lower_classifier(Lower& l) {
  known(l, {"classlabels_ints", "classlabels_strings", "coefficients", "intercepts", "multi_class", "post_transform"});
  arity(l, 1, 1, 2);
  const Labels labels(l, "classlabels_ints", "classlabels_strings");
  const auto intercepts = l.Attrs::floats("intercepts");
  const auto n = static_cast<int64_t>(intercepts.empty() ? labels.size() : intercepts.size());
  const std::string transform = post_transform_of(l);
  const bool one_score = n == 1 && labels.size() == 2;
  if (!one_score && static_cast<size_t>(n) != labels.size())
    throw invalid("there are not as many labels as classes").with("expected", std::to_string(n)).with("found", std::to_string(labels.size()));
  tenon_value raw = products(l, n);
  tenon_value number = one_score ? cast(l, l.emit("Greater", {l.emit("Squeeze", {raw, l.ints({1})}), l.scalar<float>(0)}), dt::i64)
                                 : l.emit("ArgMax", {raw}, AttrList{}.set("axis", 1).set("keepdims", 0));
  tenon_value scores = one_score ? second_class(l, transform, raw, false) : post_transform(l, transform, raw);
  l.done({labels.at(l, number), scores});
}
TENON_LOWERING("ai.onnx.ml", "LinearClassifier", 1, lower_classifier);

}  // namespace
}  // namespace tenon::contrib
