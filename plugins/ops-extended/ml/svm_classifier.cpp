// SPDX-License-Identifier: Apache-2.0
// SVMClassifier: scores and the number of the chosen class, as ONNX and libsvm compute them.
//  With support vectors (class by class, vectors_per_class of each): one score for each pair of classes, and a vote for the winner; most votes
//  choose. With prob_a and prob_b the scores are probabilities of the classes by pairwise coupling (Wu, Lin and Weng, 2004, method 2).
//  Without: a score for each class, K(x, coefficients of the class) + rho, and the largest chooses.
#include <numeric>

#include "ml/svm.hpp"

namespace tenon::ops {
namespace {

class Svm {
 public:
  Svm(const Node& node, int64_t features)
      : kernel_(node), per_class_(node.ints("vectors_per_class")), coefficients_(node.floats("coefficients")), rho_(node.floats("rho")), vectors_(node.floats("support_vectors")),
        prob_a_(node.floats("prob_a")), prob_b_(node.floats("prob_b")), classes_(node.i("n_classes")), features_(features) {
    for (int64_t n : per_class_) {
      if (n < 0 || n > INT32_MAX) fail("vectors_per_class holds an impossible number", "0 or more", std::to_string(n));
      begin_.push_back(supports_);
      supports_ += n;
    }
    const int64_t needed_rho = supports_ ? pairs() : 1;
    if (static_cast<int64_t>(rho_.size()) < needed_rho) fail("rho is too short", std::to_string(needed_rho), std::to_string(rho_.size()));
    if (supports_) check_supports();
    else expect_rows("coefficients", coefficients_.size(), classes_, features);
  }
  int64_t pairs() const { return classes_ * (classes_ - 1) / 2; }
  bool has_probabilities() const { return supports_ && !prob_a_.empty(); }
  int64_t width() const { return supports_ && !has_probabilities() ? pairs() : classes_; }
  /// Fills the scores of a row; returns its class.
  int64_t run(const double* x, std::vector<double>& scores) const {
    if (!supports_) {
      for (int64_t c = 0; c < classes_; ++c) scores[static_cast<size_t>(c)] = kernel_(x, coefficients_.data() + c * features_, features_) + rho_[0];
      return chosen(scores);
    }
    std::vector<double> pair(static_cast<size_t>(pairs())), votes(static_cast<size_t>(classes_));
    duels(x, pair, votes);
    scores = has_probabilities() ? coupled(pair) : pair;
    return chosen(votes);
  }

 private:
  void check_supports() const {
    if (static_cast<int64_t>(per_class_.size()) != classes_) fail("vectors_per_class has a wrong length", std::to_string(classes_), std::to_string(per_class_.size()));
    expect_rows("support vectors", vectors_.size(), supports_, features_);
    expect_rows("coefficients", coefficients_.size(), classes_ - 1, supports_);
    for (size_t n : {prob_a_.size(), prob_b_.size()})
      if (!prob_a_.empty() && static_cast<int64_t>(n) < pairs()) fail("prob_a or prob_b is too short", std::to_string(pairs()), std::to_string(n));
  }
  /// Position of the largest; with a single rho and another number of classes than two the answer is only whether it is positive.
  int64_t chosen(const std::vector<double>& v) const {
    const auto best = std::max_element(v.begin(), v.end());
    return rho_.size() == 1 && classes_ != 2 ? *best > 0 : best - v.begin();
  }
  double part(int64_t row, int64_t c, const std::vector<double>& k) const {
    double s = 0;
    for (int64_t v = begin_[static_cast<size_t>(c)], n = v + per_class_[static_cast<size_t>(c)]; v < n; ++v) s += coefficients_[static_cast<size_t>(row * supports_ + v)] * k[static_cast<size_t>(v)];
    return s;
  }
  void duels(const double* x, std::vector<double>& pair, std::vector<double>& votes) const {
    std::vector<double> k(static_cast<size_t>(supports_));
    for (int64_t v = 0; v < supports_; ++v) k[static_cast<size_t>(v)] = kernel_(x, vectors_.data() + v * features_, features_);
    size_t at = 0;
    for (int64_t i = 0; i < classes_; ++i)
      for (int64_t j = i + 1; j < classes_; ++j, ++at) {
        pair[at] = part(j - 1, i, k) + part(i, j, k) + rho_[at];
        votes[static_cast<size_t>(pair[at] > 0 ? i : j)] += 1;
      }
  }
  /// Probability that class i beats j, for each pair, as a full matrix.
  std::vector<double> wins(const std::vector<double>& pair) const {
    std::vector<double> r(static_cast<size_t>(classes_ * classes_));
    size_t at = 0;
    for (int64_t i = 0; i < classes_; ++i)
      for (int64_t j = i + 1; j < classes_; ++j, ++at) {
        const double p = 1 / (1 + std::exp(pair[at] * prob_a_[at] + prob_b_[at]));
        r[static_cast<size_t>(i * classes_ + j)] = std::clamp(p, 1e-7, 1 - 1e-7);
        r[static_cast<size_t>(j * classes_ + i)] = 1 - r[static_cast<size_t>(i * classes_ + j)];
      }
    return r;
  }
  /// Minimizes sum over i, j of (r_ji p_i - r_ij p_j)^2 over probabilities p, by the fixed-point iteration of the paper's algorithm 2.
  std::vector<double> coupled(const std::vector<double>& pair) const {
    const auto n = static_cast<size_t>(classes_);
    const auto r = wins(pair);
    std::vector<double> q(n * n), p(n, 1.0 / static_cast<double>(n)), qp(n);
    for (size_t t = 0; t < n; ++t)
      for (size_t j = 0; j < n; ++j) {
        if (j == t) continue;
        q[t * n + t] += r[j * n + t] * r[j * n + t];
        q[t * n + j] = -r[j * n + t] * r[t * n + j];
      }
    const size_t turns = std::max<size_t>(100, n);
    for (size_t turn = 0; turn < turns; ++turn) {
      for (size_t t = 0; t < n; ++t) qp[t] = std::inner_product(p.begin(), p.end(), q.begin() + static_cast<int64_t>(t * n), 0.0);
      double pqp = std::inner_product(p.begin(), p.end(), qp.begin(), 0.0), error = 0;
      for (double v : qp) error = std::max(error, std::fabs(v - pqp));
      if (error < 0.005 / static_cast<double>(n)) break;
      for (size_t t = 0; t < n; ++t) {
        const double d = (pqp - qp[t]) / q[t * n + t];
        p[t] += d;
        pqp = (pqp + d * (d * q[t * n + t] + 2 * qp[t])) / ((1 + d) * (1 + d));
        for (size_t j = 0; j < n; ++j) {
          qp[j] = (qp[j] + d * q[t * n + j]) / (1 + d);
          p[j] /= 1 + d;
        }
      }
    }
    return p;
  }

  SvmKernel kernel_;
  std::vector<int64_t> per_class_, begin_;
  std::vector<double> coefficients_, rho_, vectors_, prob_a_, prob_b_;
  int64_t classes_, features_, supports_ = 0;
};

int64_t score_count(const Node& node) {
  const int64_t classes = node.i("n_classes");
  const auto per_class = node.ints("vectors_per_class");
  const bool supports = std::any_of(per_class.begin(), per_class.end(), [](int64_t n) { return n > 0; });
  if (classes < 1 || classes > 1 << 20) fail("n_classes is out of range", "1 to 2^20", std::to_string(classes));
  return supports && node.floats("prob_a").empty() ? classes * (classes - 1) / 2 : classes;
}

void infer(const Node& node) {
  const int64_t rows = inferred_rows(node.in(0));
  node.set_out(0, dt::i64, Dims{rows});
  node.set_out(1, dt::f32, Dims{rows, score_count(node)});
}

void run(const Node& node) {
  const Features x(node.in(0));
  const Svm svm(node, x.columns);
  std::vector<double> scores(static_cast<size_t>(svm.width()));
  for (int64_t r = 0; r < x.rows; ++r) {
    const int64_t chosen = svm.run(x.row(r), scores);
    if (node.has_out(0)) node.out(0).mutable_data<int64_t>()[r] = chosen;
    if (node.has_out(1)) std::copy(scores.begin(), scores.end(), node.out(1).mutable_data<float>() + r * svm.width());
  }
}

}  // namespace

TENON_OPERATOR("tenon", "SVMClassifier", 1, 0,
               "(X: num|bool) -> (class: i64, scores?: f32) {n_classes: int, kernel_type?: string, kernel_params?: floats, coefficients: floats, rho: floats, "
               "support_vectors?: floats, vectors_per_class?: ints, prob_a?: floats, prob_b?: floats}",
               infer, run);
}  // namespace tenon::ops
