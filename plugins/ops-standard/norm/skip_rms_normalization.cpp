// SPDX-License-Identifier: Apache-2.0
// SkipRMSNormalization: sum = X + skip, which broadcasts to X; Y = RMSNormalization(sum) with a scale over the axes from `axis` on.
#include "norm/skip_normalization.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) { infer_skip_normalization(node, 2); }

void run(const Node& node) {
  run_skip_normalization(node, [](const auto* x, int64_t n) {
    double squares = 0;
    for (int64_t i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * x[i];
    return Moments{0, squares / static_cast<double>(n)};
  });
}

void expand(Lower& l) { expand_skip_normalization(l, "RMSNormalization"); }

}  // namespace

TENON_EXPANDED_OPERATOR("SkipRMSNormalization", "(X: T(float), skip: T, scale: T) -> (Y: T, sum?: T) {axis?: int, epsilon?: float}",
                        infer, run, expand);
}  // namespace tenon::ops
