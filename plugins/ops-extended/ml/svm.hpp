// SPDX-License-Identifier: Apache-2.0
// svm.hpp - what the support vector machines share: their kernel functions.
#pragma once
#include "ml/features.hpp"

namespace tenon::ops {

/// K(x, y) of a pair of rows; parameters are gamma, coef0 and degree, as in libsvm.
class SvmKernel {
  enum { kLinear, kPoly, kRbf, kSigmoid } kind_;
  double gamma_ = 0, coef0_ = 0, degree_ = 0;

 public:
  explicit SvmKernel(const Node& node) {
    const std::string name = node.s("kernel_type", "LINEAR");
    const auto p = node.floats("kernel_params");
    if (!p.empty() && p.size() != 3) fail("kernel_params has a wrong length", "gamma, coef0, degree", std::to_string(p.size()) + " numbers");
    if (!p.empty()) gamma_ = p[0], coef0_ = p[1], degree_ = p[2];
    if (name == "LINEAR") kind_ = kLinear;
    else if (name == "POLY") kind_ = kPoly;
    else if (name == "RBF") kind_ = kRbf;
    else if (name == "SIGMOID") kind_ = kSigmoid;
    else throw invalid("unknown kernel_type").with("expected", "LINEAR, POLY, RBF or SIGMOID").with("found", name);
  }
  double operator()(const double* x, const double* y, int64_t n) const {
    double s = 0;
    if (kind_ == kRbf) {
      for (int64_t i = 0; i < n; ++i) s += (x[i] - y[i]) * (x[i] - y[i]);
      return std::exp(-gamma_ * s);
    }
    for (int64_t i = 0; i < n; ++i) s += x[i] * y[i];
    if (kind_ == kPoly) return std::pow(gamma_ * s + coef0_, degree_);
    return kind_ == kSigmoid ? std::tanh(gamma_ * s + coef0_) : s;
  }
};

/// Rows of a matrix that is given as a flat list of `count` rows; the width must be the input's number of features.
inline void expect_rows(const char* what, size_t elements, int64_t count, int64_t features) {
  if (static_cast<int64_t>(elements) != count * features)
    fail(std::string(what) + " do not fit the input", std::to_string(count) + " rows of " + std::to_string(features), std::to_string(elements) + " numbers");
}

}  // namespace tenon::ops
