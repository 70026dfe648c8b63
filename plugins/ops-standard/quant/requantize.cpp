// SPDX-License-Identifier: Apache-2.0
// Requantize: sums of products to a narrower integer: clamp(round(x * scale) + zero_point, min, max). `rounding` says how:
// half_even and half_away round the real product; double, double_up and single are fixed-point arithmetic (tenon/fixed_point.hpp): on
// i32 a 31-bit multiplier and two roundings (halves of the second away from zero, or up) or one, on i64 all a 15-bit multiplier.
#include <tenon/fixed_point.hpp>

#include "common/quantize.hpp"

namespace tenon::ops {
namespace {

enum class Rounding { half_even, half_away, twice, twice_up, once };

Rounding rounding_of(const Node& node) {
  const std::string s = node.s("rounding");
  if (s == "half_even") return Rounding::half_even;
  if (s == "half_away") return Rounding::half_away;
  if (s == "double") return Rounding::twice;
  if (s == "double_up") return Rounding::twice_up;
  if (s == "single") return Rounding::once;
  throw invalid("rounding is not known").with("expected", "half_even, half_away, double, double_up or single").with("found", s);
}

tenon_dtype output_type(const Node& node) {
  const tenon_dtype t = dtype_from_name(node.s("output_dtype"));
  if (!list_holds(TypeList<int8_t, uint8_t, int16_t, uint16_t, int32_t>{}, t)) fail("output_dtype is no type to quantize to", "i8, u8, i16, u16 or i32", dtype_name(t));
  return t;
}

void infer(const Node& node) {
  const tenon_dtype type = output_type(node);
  rounding_of(node);
  for (uint32_t k = 2; k < 5; ++k)
    if (node.has_in(k)) expect_type(node, k, type);
  for (uint32_t k = 3; k < 5; ++k)
    if (node.has_in(k) && node.in(k).is_static() && node.in(k).count() != 1) fail("a bound is not one number", "1 element", shape_text(node.in(k)));
  if (node.has_in(2) && node.in(2).is_static() && node.in(1).is_static() && node.in(2).count() != 1 && node.in(2).count() != node.in(1).count())
    fail("the zero point does not fit the scale", "1 element, or one for each scale", shape_text(node.in(2)));
  if (node.in(0).is_static() && node.in(1).is_static()) scale_layout(node);
  if (node.in(0).has_rank()) node.set_out(0, type, node.in(0).dims());
  else node.set_out_unranked(0, type);
}

int64_t bounded(double v) { return v != v ? 0 : static_cast<int64_t>(std::clamp(v, -0x1p40, 0x1p40)); }

/// One scale in the forms that the roundings need.
struct Factor {
  double real;
  FixedScale fixed;
};
std::vector<Factor> factors_of(Tensor scale) {
  std::vector<Factor> r;
  visit<WideFloatTypes>(scale.type(), [&]<class T>(Tag<T>) {
    for (int64_t i = 0; i < scale.count(); ++i) r.push_back({static_cast<double>(scale.data<T>()[i]), fixed_scale(static_cast<double>(scale.data<T>()[i]))});
  });
  return r;
}

template <Rounding R, class From>
int64_t scaled(From x, const Factor& f) {
  if constexpr (R == Rounding::half_even) return bounded(std::nearbyint(static_cast<double>(x) * f.real));
  else if constexpr (R == Rounding::half_away) return bounded(std::round(static_cast<double>(x) * f.real));
  else if constexpr (std::is_same_v<From, int64_t>) return multiply_wide(x, f.fixed);
  else if constexpr (R == Rounding::twice) return multiply_rounding_twice(x, f.fixed);
  else if constexpr (R == Rounding::twice_up) return multiply_rounding_twice_up(x, f.fixed);
  else return multiply_rounding_once(x, f.fixed);
}

IntRange bounds_of(const Node& node) {
  IntRange r = int_range(node.out(0).type());
  if (node.has_in(3)) r.low = std::max(r.low, node.in(3).ints().at(0));
  if (node.has_in(4)) r.high = std::min(r.high, node.in(4).ints().at(0));
  return {std::min(r.low, r.high), r.high};
}

template <Rounding R, class To, class From>
void requantize(const Node& node) {
  const auto factor = factors_of(node.in(1));
  std::vector<int64_t> zero = node.has_in(2) ? node.in(2).ints() : std::vector<int64_t>(factor.size(), 0);
  if (zero.size() == 1) zero.resize(factor.size(), zero[0]);
  const IntRange range = bounds_of(node);
  const From* x = node.in(0).data<From>();
  To* y = node.out(0).mutable_data<To>();
  for_scaled_runs(node, scale_layout(node), [&](int64_t at, int64_t n, int64_t s, int64_t step) {
    for (int64_t i = 0; i < n; ++i) {
      const auto k = static_cast<size_t>(s + i * step);
      y[at + i] = static_cast<To>(std::clamp(scaled<R, From>(x[at + i], factor[k]) + zero[k], range.low, range.high));
    }
  });
}

template <Rounding R>
void requantize(const Node& node) {
  visit<IndexTypes>(node.in(0).type(), [&]<class From>(Tag<From>) {
    visit<TypeList<int8_t, uint8_t, int16_t, uint16_t, int32_t>>(node.out(0).type(), [&]<class To>(Tag<To>) { requantize<R, To, From>(node); });
  });
}

void run(const Node& node) {
  switch (rounding_of(node)) {
    case Rounding::half_even: return requantize<Rounding::half_even>(node);
    case Rounding::half_away: return requantize<Rounding::half_away>(node);
    case Rounding::twice: return requantize<Rounding::twice>(node);
    case Rounding::twice_up: return requantize<Rounding::twice_up>(node);
    case Rounding::once: return requantize<Rounding::once>(node);
  }
}

}  // namespace

TENON_OPERATOR("tenon", "Requantize", 1, 0,
               "(X: i32|i64, scale: f32|f64, zero_point?: any, min?: any, max?: any) -> (Y: i8|u8|i16|u16|i32) "
               "{axis?: int, output_dtype: string, rounding: string}",
               infer, run);
}  // namespace tenon::ops
