// SPDX-License-Identifier: Apache-2.0
// Multinomial: for each row of unnormalized log-probabilities, sample_size classes drawn with replacement.
#include "common/work.hpp"
#include "random/generator.hpp"

namespace tenon::ops {
namespace {

tenon_dtype index_type(const Node& node) {
  const tenon_dtype t = dtype_from_name(node.s("dtype", "i32"));
  if (t != dt::i32 && t != dt::i64) fail("dtype of Multinomial is wrong", "i32 or i64", dtype_name(t));
  return t;
}

void infer(const Node& node) {
  expect_rank(node.in(0), 2, "the input");
  node.set_out(0, index_type(node), Dims{node.in(0).has_rank() ? node.in(0).dim(0) : kUnknown, node.i("sample_size", 1)});
}

/// Running sums of exp(x - max).
std::vector<double> cumulative(const double* x, int64_t n) {
  std::vector<double> sum(static_cast<size_t>(n));
  const double largest = *std::max_element(x, x + n);
  double total = 0;
  for (int64_t i = 0; i < n; ++i) sum[static_cast<size_t>(i)] = total += std::exp(x[i] - largest);
  return sum;
}

void run(const Node& node) {
  Generator random(node);
  const Operand<double> x(node.in(0));
  const int64_t rows = node.in(0).dim(0), classes = node.in(0).dim(1), samples = node.i("sample_size", 1);
  if (classes == 0 && rows * samples > 0) throw invalid("there are no classes to draw from");
  visit<IndexTypes>(index_type(node), [&]<class T>(Tag<T>) {
    T* y = node.out(0).mutable_data<T>();
    for (int64_t r = 0; r < rows; ++r) {
      const auto sum = cumulative(x.data() + r * classes, classes);
      for (int64_t s = 0; s < samples; ++s) {
        const auto it = std::upper_bound(sum.begin(), sum.end(), random.uniform() * sum.back());
        y[r * samples + s] = static_cast<T>(std::min<int64_t>(classes - 1, it - sum.begin()));
      }
    }
  });
}

}  // namespace

TENON_OPERATOR("tenon", "Multinomial", 1, TENON_OF_NONDETERMINISTIC,
               "(input: T(float)) -> (output: i32|i64) {sample_size?: int, dtype?: string, seed?: float}", infer, run);
}  // namespace tenon::ops
