// SPDX-License-Identifier: Apache-2.0
// (x - zero_point) * scale, in the scale's type unless output_dtype says otherwise.
#include "common/quantize.hpp"

namespace tenon::ops {
namespace {
tenon_dtype output_type(const Node& node) {
  const std::string name = node.s("output_dtype");
  if (!name.empty()) return dtype_from_name(name);
  return node.in(1).type() == dt::f8e8m0 ? dt::f32 : node.in(1).type();
}
void infer(const Node& node) {
  check_zero_point(node);
  if (node.has_in(2)) expect_same_type(node, 0, 2);
  if (node.in(0).is_static() && node.in(1).is_static()) scale_layout(node);
  if (node.in(0).has_rank()) node.set_out(0, output_type(node), node.in(0).dims());
  else node.set_out_unranked(0, output_type(node));
}
template <class To, class From>
void dequantize(const Node& node, const RawInput& in, To* y) {
  const std::vector<float> scale = floats_of(node.in(1));
  const std::vector<int64_t> zero = zero_points_of(node);
  const From* x = in.data<From>();
  for_scaled_runs(node, scale_layout(node), [&](int64_t at, int64_t n, int64_t s, int64_t step) {
    for (int64_t i = 0; i < n; ++i) {
      const auto k = static_cast<size_t>(s + i * step);
      float v;
      if constexpr (std::is_integral_v<From>) v = static_cast<float>(static_cast<int64_t>(x[at + i]) - zero[k]);
      else v = static_cast<float>(x[at + i]);
      y[at + i] = To(v * scale[k]);
    }
  });
}
using Sources = Join<TypeList<int8_t, uint8_t, int16_t, uint16_t, int32_t, f4e2m1_t>, MiniFloatTypes>;
void run(const Node& node) {
  const RawInput in(node.in(0));
  visit<Sources>(whole_type(node.in(0).type()), [&]<class From>(Tag<From>) {
    visit<FloatTypes>(node.out(0).type(), [&]<class To>(Tag<To>) { dequantize<To, From>(node, in, node.out(0).mutable_data<To>()); });
  });
}
}  // namespace
TENON_OPERATOR("tenon", "DequantizeLinear", 1, 0,
               "(x: T(any), x_scale: any, x_zero_point?: T) -> (y: any) {axis?: int, block_size?: int, output_dtype?: string}", infer, run);
}  // namespace tenon::ops
