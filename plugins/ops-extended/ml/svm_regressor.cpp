// SPDX-License-Identifier: Apache-2.0
// SVMRegressor: sum of coefficient * K(x, support vector) + rho; without support vectors K(x, coefficients) + rho. With one_class the
// sign of it, as 1 or -1.
#include "ml/svm.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) { node.set_out(0, dt::f32, Dims{inferred_rows(node.in(0)), 1}); }

void run(const Node& node) {
  const Features x(node.in(0));
  const SvmKernel kernel(node);
  const auto vectors = node.floats("support_vectors"), coefficients = node.floats("coefficients"), rho = node.floats("rho");
  const int64_t supports = node.i("n_supports");
  if (rho.empty()) throw invalid("attribute 'rho' is empty");
  if (supports < 0 || supports > static_cast<int64_t>(vectors.size()) + (x.columns == 0))
    fail("n_supports does not fit", "the number of support vectors", std::to_string(supports));
  if (supports) expect_rows("support vectors", vectors.size(), supports, x.columns);
  expect_rows("coefficients", coefficients.size(), supports ? supports : 1, supports ? 1 : x.columns);
  for (int64_t r = 0; r < x.rows; ++r) {
    double sum = supports ? 0 : kernel(x.row(r), coefficients.data(), x.columns);
    for (int64_t k = 0; k < supports; ++k) sum += coefficients[static_cast<size_t>(k)] * kernel(x.row(r), vectors.data() + k * x.columns, x.columns);
    sum += rho[0];
    node.out(0).mutable_data<float>()[r] = node.i("one_class") ? (sum > 0 ? 1.0f : -1.0f) : static_cast<float>(sum);
  }
}

}  // namespace

TENON_OPERATOR("tenon", "SVMRegressor", 1, 0,
               "(X: num|bool) -> (Y: f32) {kernel_type?: string, kernel_params?: floats, coefficients: floats, rho: floats, n_supports?: int, "
               "support_vectors?: floats, one_class?: int}",
               infer, run);
}  // namespace tenon::ops
