// SPDX-License-Identifier: Apache-2.0
// SkipLayerNormalization: sum = X + skip, which broadcasts to X; Y = LayerNormalization(sum) with scale and bias over the axes from `axis` on.
#include "norm/skip_normalization.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) { infer_skip_normalization(node, 3); }

void run(const Node& node) {
  run_skip_normalization(node, [](const auto* x, int64_t n) { return moments(x, n); });
}

void expand(Lower& l) { expand_skip_normalization(l, "LayerNormalization"); }

}  // namespace

TENON_EXPANDED_OPERATOR("SkipLayerNormalization", "(X: T(float), skip: T, scale?: T, bias?: T) -> (Y: T, sum?: T) {axis?: int, epsilon?: float}",
                        infer, run, expand);
}  // namespace tenon::ops
