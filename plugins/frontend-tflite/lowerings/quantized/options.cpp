// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <algorithm>

namespace tenon::tflite::quantized {

std::string activation(const Lower& l) { return l.s("fused_activation_function", "NONE"); }

std::vector<int64_t> constant_axes(Lower& l, uint64_t k, int32_t rank) {
  std::vector<int64_t> axes = need_ints(l, k, "the axes");
  for (auto& a : axes) {
    if (a < -rank || a >= rank) throw invalid("an axis is out of range").with("expected", "an axis of a tensor of rank " + std::to_string(rank)).with("found", std::to_string(a));
    if (a < 0) a += rank;
  }
  std::sort(axes.begin(), axes.end());
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  return axes;
}

}  // namespace tenon::tflite::quantized
