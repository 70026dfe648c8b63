// SPDX-License-Identifier: Apache-2.0
// u8 with the scale and zero point that make the tensor's range, widened to hold 0, fill 0..255.
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  if (node.in(0).has_rank()) node.set_out(0, dt::u8, node.in(0).dims());
  else node.set_out_unranked(0, dt::u8);
  node.set_out(1, dt::f32, Dims{});
  node.set_out(2, dt::u8, Dims{});
}
void run(const Node& node) {
  const float* x = node.in(0).data<float>();
  const int64_t n = node.in(0).count();
  float low = 0, high = 0;
  for (int64_t i = 0; i < n; ++i) low = std::min(low, x[i]), high = std::max(high, x[i]);
  // An all-zero tensor has no range: any scale serves, ONNX Runtime's is 1.
  const float scale = high > low ? (high - low) / 255.0f : 1.0f;
  const float zero = std::nearbyint(std::clamp(-low / scale, 0.0f, 255.0f));
  if (node.has_out(0)) {
    uint8_t* y = node.out(0).mutable_data<uint8_t>();
    parallel_range(node, n, [=](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const float q = std::nearbyint(x[i] / scale) + zero;
        y[i] = static_cast<uint8_t>(q >= 0 ? std::min(q, 255.0f) : 0.0f);
      }
    });
  }
  if (node.has_out(1)) *node.out(1).mutable_data<float>() = scale;
  if (node.has_out(2)) *node.out(2).mutable_data<uint8_t>() = static_cast<uint8_t>(zero);
}
}  // namespace
TENON_OPERATOR("tenon", "DynamicQuantizeLinear", 1, 0, "(x: f32) -> (y: u8, y_scale: f32, y_zero_point: u8)", infer, run);
}  // namespace tenon::ops
