// SPDX-License-Identifier: Apache-2.0
// classifier.hpp - labels and transforms of scores, which the classifiers and regressors share.
#pragma once
#include "common/lowering.hpp"

namespace tenon::contrib {

/// Class labels from one of two attributes: integers or strings.
struct Labels {
  std::vector<int64_t> ints;
  std::vector<std::string> strings;
  Labels(const Lower& l, std::string_view ints_name, std::string_view strings_name);
  size_t size() const { return std::max(ints.size(), strings.size()); }
  /// The labels as a constant of rank 1.
  tenon_value constant(Lower& l) const;
  /// The label of each class number.
  tenon_value at(Lower& l, tenon_value numbers) const { return gather(l, constant(l), numbers); }
};

/// Attribute post_transform; an unknown name is an error.
std::string post_transform_of(const Lower& l);

/// Transform of scores [rows, classes] of an element type, as ONNX Runtime computes it (PROBIT by Winitzki's approximation of the inverse error function).
tenon_value post_transform(Lower& l, const std::string& name, tenon_value scores, tenon_dtype type = dt::f32);

/// For the single output of a regressor only PROBIT means something; ONNX Runtime leaves the others out, and so a warning says.
tenon_value regression_transform(Lower& l, const std::string& name, tenon_value scores, int64_t targets, tenon_dtype type = dt::f32);

/// Two columns of one score p [rows, 1]: 1 - p and p; with `both_signs` -p and p. LOGISTIC turns -p and p into probabilities.
tenon_value second_class(Lower& l, const std::string& name, tenon_value p, bool both_signs);

/// X [features] or [rows, features] in f32 as [rows, features].
tenon_value feature_rows(Lower& l, tenon_value x);

}  // namespace tenon::contrib
