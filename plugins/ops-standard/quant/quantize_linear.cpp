// SPDX-License-Identifier: Apache-2.0
// clamp(round(x / scale) + zero_point), halves to even or, with rounding "half_away", away from zero; to an 8-bit float x / scale
// rounded once.
#include "common/quantize.hpp"

namespace tenon::ops {
namespace {
tenon_dtype output_type(const Node& node) {
  if (node.has_in(2)) return node.in(2).type();
  const std::string name = node.s("output_dtype");
  return name.empty() ? dt::u8 : dtype_from_name(name);
}
bool rounds_away(const Node& node) {
  const std::string s = node.s("rounding", "half_even");
  if (s != "half_even" && s != "half_away") throw invalid("rounding is not known").with("expected", "half_even or half_away").with("found", s);
  return s == "half_away";
}
void infer(const Node& node) {
  check_zero_point(node);
  rounds_away(node);
  const std::string name = node.s("output_dtype");
  if (node.has_in(2) && !name.empty() && node.in(2).type() != dt::none && dtype_from_name(name) != node.in(2).type())
    fail("output_dtype and the zero point's type differ", dtype_name(node.in(2).type()), name);
  if (node.in(0).is_static() && node.in(1).is_static()) scale_layout(node);
  if (node.in(0).has_rank()) node.set_out(0, output_type(node), node.in(0).dims());
  else node.set_out_unranked(0, output_type(node));
}
template <class C>
int64_t quantized(C x, float scale, int64_t zero, IntRange range, bool away) {
  const C real = x / static_cast<C>(scale), q = away ? std::round(real) : std::nearbyint(real);
  if (q != q) return std::clamp(zero, range.low, range.high);
  // Beyond these bounds every zero point leaves the range; they keep the sum inside int64.
  const C bounded = std::clamp(q, C(-0x1p40), C(0x1p40));
  return std::clamp(static_cast<int64_t>(bounded) + zero, range.low, range.high);
}
template <class To, class From>
void quantize(const Node& node, const RawInput& in, const RawOutput& out) {
  using C = std::conditional_t<std::is_same_v<From, double> || std::is_integral_v<From>, double, float>;
  const std::vector<float> scale = floats_of(node.in(1));
  const std::vector<int64_t> zero = zero_points_of(node);
  const From* x = in.data<From>();
  To* y = out.data<To>();
  const bool saturate = node.i("saturate", 1) != 0, away = rounds_away(node);
  const IntRange range = std::is_integral_v<To> ? int_range(node.out(0).type()) : IntRange{0, 0};
  for_scaled_runs(node, scale_layout(node), [&, saturate, away](int64_t at, int64_t n, int64_t s, int64_t step) {
    for (int64_t i = 0; i < n; ++i) {
      const auto k = static_cast<size_t>(s + i * step);
      const C v = static_cast<C>(static_cast<compute_t<From>>(x[at + i]));
      if constexpr (std::is_integral_v<To>) y[at + i] = static_cast<To>(quantized(v, scale[k], zero[k], range, away));
      else y[at + i] = To(static_cast<double>(v / static_cast<C>(scale[k])), saturate);
    }
  });
}
using Sources = Join<FloatTypes, TypeList<int32_t>>;
using Targets = Join<TypeList<int8_t, uint8_t, int16_t, uint16_t, int32_t, f4e2m1_t>, MiniFloatTypes>;
void run(const Node& node) {
  const RawInput in(node.in(0));
  const RawOutput out(node, 0);
  visit<Sources>(node.in(0).type(), [&]<class From>(Tag<From>) {
    visit<Targets>(whole_type(node.out(0).type()), [&]<class To>(Tag<To>) { quantize<To, From>(node, in, out); });
  });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "QuantizeLinear", 1, 0,
               "(x: float|i32, y_scale: any, y_zero_point?: any) -> (y: any) {axis?: int, block_size?: int, output_dtype?: string, saturate?: int, "
               "rounding?: string}",
               infer, run);
}  // namespace tenon::ops
