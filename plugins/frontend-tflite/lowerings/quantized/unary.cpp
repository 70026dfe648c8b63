// SPDX-License-Identifier: Apache-2.0
// unary.cpp - elementwise operators with one quantized input: the result for each number that the input can hold, worked out here as
// LiteRT's kernels do, is a table.
#include <algorithm>
#include <cmath>

#include "build.hpp"
#include "dispatch.hpp"
#include "fixed16.hpp"
#include "inverse_sqrt.hpp"
#include "options.hpp"
#include "pieces.hpp"

namespace tenon::tflite::quantized {
namespace {

struct Ends {
  Affine in, out;
  explicit Ends(Lower& l) : in(input_affine(l, 0)), out(output_affine(l)) {}
  bool integer() const { return is_quantized(in) && is_quantized(out); }
  int64_t clamped(double v) const {
    return cut(v, range_of(out.type));
  }
};

template <class F>
void table(Lower& l, const Ends& e, F&& f) {
  Build b(l);
  finish(l, {mapped(b, l.in(0), e.in.type, e.out.type, f)});
}

/// 8 bits: the float function of every number, rounded once.
template <class F>
void byte_table(Lower& l, const Ends& e, F&& f) {
  const float from = e.in.one_scale(), inverse = 1 / e.out.one_scale();
  const auto zero = static_cast<float>(e.out.one_zero());
  table(l, e, [&](int64_t q) {
    const float real = from * static_cast<float>(q - e.in.one_zero());
    return e.clamped(std::round(f(real) * inverse) + zero);
  });
}

/// 16 bits: straight pieces.
template <class F>
void word_table(Lower& l, const Ends& e, F&& f) {
  const Line<float> in{e.in.one_scale(), static_cast<float>(e.in.one_zero())}, out{e.out.one_scale(), static_cast<float>(e.out.one_zero())};
  table(l, e, Pieces<float>(in, out, f));
}
/// The table of a real function.
template <class F>
bool real_function(Lower& l, F&& f) {
  const Ends e(l);
  if (!e.integer()) return false;
  if (e.in.type.bits == 16) word_table(l, e, f);
  else byte_table(l, e, f);
  return true;
}

bool lower_exp(Lower& l) {
  known(l, {});
  return real_function(l, [](float v) { return std::exp(v); });
}
bool lower_elu(Lower& l) {
  known(l, {});
  return real_function(l, [](float v) { return v < 0 ? std::expm1(v) : v; });
}
bool lower_log(Lower& l) {
  known(l, {});
  const Ends e(l);
  if (!e.integer()) return false;
  const float least = static_cast<float>(range_of(e.out.type).low - e.out.one_zero()) * e.out.one_scale();
  return real_function(l, [=](float v) { return v <= 0 ? least : std::log(v); });
}
bool lower_gelu(Lower& l) {
  known(l, {"approximate"});
  if (l.i("approximate"))
    return real_function(l, [](float v) { return 0.5f * v * (1 + std::tanh(0.7978845608f * (v + 0.044715f * v * v * v))); });
  return real_function(l, [](float v) { return 0.5f * v * (1 + std::erf(v * 0.70710678118654752f)); });
}
TENON_TFLITE_QUANTIZED("EXP", lower_exp);
TENON_TFLITE_QUANTIZED("ELU", lower_elu);
TENON_TFLITE_QUANTIZED("LOG", lower_log);
TENON_TFLITE_QUANTIZED("GELU", lower_gelu);

/// Multiplier and shift that bring a 16-bit input to the sigmoid table's scale, 1 / (3 * 4096).
struct TableScale {
  int32_t multiplier = 0;
  int shift = 0;
  bool fixed = false;  ///< a power of two that the fixed-point functions take, `shift` bits finer
  TableScale(float scale, int most_shift) {
    int exponent = 0;
    const bool power = std::frexp(scale, &exponent) == 0.5f;
    if (const int left = 12 + exponent - 1; power && left >= 0 && left <= most_shift) {
      fixed = true;
      shift = left;
      return;
    }
    double m = static_cast<double>(scale) * 4096.0 * 3.0;
    for (; m <= 32767.0 / 2.0 && shift <= 30; ++shift) m *= 2.0;
    multiplier = static_cast<int32_t>(cut(m, {0, INT32_MAX}));
  }
};
bool lower_logistic(Lower& l) {
  known(l, {});
  const Ends e(l);
  if (e.integer() && e.in.type == dt::i16) {
    const TableScale s(e.in.one_scale(), 0);
    table(l, e, [&](int64_t q) { return s.fixed ? fixed_logistic(static_cast<int16_t>(q)) : table_logistic(static_cast<int16_t>(q), s.multiplier, s.shift); });
    return true;
  }
  return real_function(l, [](float v) { return 1.0f / (1.0f + std::exp(-v)); });
}
bool lower_tanh(Lower& l) {
  known(l, {});
  const Ends e(l);
  if (e.integer() && e.in.type == dt::i16) {
    const TableScale s(e.in.one_scale(), 1);
    table(l, e, [&](int64_t q) { return s.fixed ? fixed_tanh(saturate16(q * (int64_t{1} << s.shift)), 3) : table_tanh(static_cast<int16_t>(q), s.multiplier, s.shift); });
    return true;
  }
  return real_function(l, [](float v) { return std::tanh(v); });
}
TENON_TFLITE_QUANTIZED("LOGISTIC", lower_logistic);
TENON_TFLITE_QUANTIZED("TANH", lower_tanh);

/// Numbers above zero times `identity`, others times `negative`, between real bounds.
bool piecewise(Lower& l, float low, float high, float slope) {
  const Ends e(l);
  if (!e.integer()) return false;
  const float in = e.in.one_scale(), out = e.out.one_scale();
  const FixedScale identity = fixed_scale(static_cast<double>(in / out)), negative = fixed_scale(static_cast<double>(in * std::fabs(slope) / out));
  Range r = range_of(e.out.type);
  if (std::isfinite(low)) r.low = std::max(r.low, quantized_value(low, e.out));
  if (std::isfinite(high)) r.high = std::min(r.high, quantized_value(high, e.out));
  table(l, e, [&](int64_t q) {
    const auto x = static_cast<int32_t>(q - e.in.one_zero());
    const int64_t y = x >= 0 ? multiply_rounding_twice(x, identity) : multiply_rounding_twice(slope < 0 ? -x : x, negative);
    return std::clamp(y + e.out.one_zero(), r.low, r.high);
  });
  return true;
}
bool lower_relu(Lower& l) {
  known(l, {});
  return piecewise(l, 0, INFINITY, 1);
}
bool lower_relu6(Lower& l) {
  known(l, {});
  return piecewise(l, 0, 6, 1);
}
bool lower_relu_n1_to_1(Lower& l) {
  known(l, {});
  return piecewise(l, -1, 1, 1);
}
bool lower_relu_0_to_1(Lower& l) {
  known(l, {});
  return piecewise(l, 0, 1, 1);
}
bool lower_leaky_relu(Lower& l) {
  known(l, {"alpha"});
  return piecewise(l, -INFINITY, INFINITY, static_cast<float>(l.f("alpha")));
}
TENON_TFLITE_QUANTIZED("RELU", lower_relu);
TENON_TFLITE_QUANTIZED("RELU6", lower_relu6);
TENON_TFLITE_QUANTIZED("RELU_N1_TO_1", lower_relu_n1_to_1);
TENON_TFLITE_QUANTIZED("RELU_0_TO_1", lower_relu_0_to_1);
TENON_TFLITE_QUANTIZED("LEAKY_RELU", lower_leaky_relu);

bool lower_abs(Lower& l) {
  known(l, {});
  const Ends e(l);
  if (!e.integer()) return false;
  const bool same = e.in.one_scale() == e.out.one_scale();
  const FixedScale s = fixed_scale(static_cast<double>(e.in.one_scale() / e.out.one_scale()));
  table(l, e, [&](int64_t q) {
    const auto x = static_cast<int32_t>(std::abs(q - e.in.one_zero()));
    return e.clamped(static_cast<double>((same ? x : multiply_rounding_twice(x, s)) + e.out.one_zero()));
  });
  return true;
}
TENON_TFLITE_QUANTIZED("ABS", lower_abs);

bool lower_rsqrt(Lower& l) {
  known(l, {});
  const Ends e(l);
  if (!e.integer()) return false;
  if (e.in.type.bits == 16) {
    const float most = INT16_MAX * e.out.one_scale();
    return real_function(l, [=](float v) { return v <= 0 ? most : 1.0f / std::sqrt(v); });
  }
  constexpr int bits = 20;
  const FixedScale s = fixed_scale(1. / static_cast<double>(std::sqrt(e.in.one_scale()) * e.out.one_scale()));
  table(l, e, [&](int64_t q) {
    const auto x = static_cast<int32_t>(q - e.in.one_zero());
    if (x <= 0) return range_of(e.out.type).high;
    FixedScale inverse = inverse_sqrt(x);
    inverse.shift += bits;
    const int32_t root = multiply_rounding_twice(1, inverse);
    return e.clamped(static_cast<double>(multiply_rounding_twice(root, {s.multiplier, s.shift - bits}) + e.out.one_zero()));
  });
  return true;
}
TENON_TFLITE_QUANTIZED("RSQRT", lower_rsqrt);

/// x * relu6(x + 3) / 6 in 16-bit fixed point: `reluish` is (x + 3) / 6 on a scale where saturation is its clamp.
struct HardSwish {
  int16_t out_multiplier, relu_multiplier;
  int out_exponent, relu_exponent;
  static int16_t narrow(int32_t m) { return m >= INT32_MAX - (1 << 15) ? INT16_MAX : static_cast<int16_t>((m + (1 << 15)) >> 16); }
  HardSwish(float in, float out) {
    const float fine = (1.0f / 128.0f) * in;
    const FixedScale o = fixed_scale(static_cast<double>(fine / out)), r = fixed_scale(static_cast<double>(fine / (3.0f / 32768.0f)));
    out_multiplier = narrow(o.multiplier), out_exponent = o.shift;
    relu_multiplier = narrow(r.multiplier), relu_exponent = r.shift;
    if (out_exponent > 0) throw unsupported("the output's scale is too fine for HARD_SWISH").with("found", std::to_string(out));
  }
  int64_t operator()(int64_t x) const {
    const auto fine = static_cast<int16_t>(x * 128);
    const int16_t product = doubling_high_multiply16(fine, out_multiplier);
    int16_t r = fine;
    if (relu_exponent > 0) r = saturate16(int64_t{r} * (int64_t{1} << (relu_exponent - 1)));
    r = doubling_high_multiply16(r, relu_multiplier);
    if (relu_exponent > 0) r = saturate16(int64_t{r} * 2);
    if (relu_exponent < 0) r = static_cast<int16_t>(rounding_divide_by_power_of_two(r, -relu_exponent));
    const auto gate = static_cast<int16_t>((r + (1 << 15)) >> 1);
    const auto y = gate == INT16_MIN && product == INT16_MIN ? INT16_MAX : static_cast<int16_t>((int32_t{gate} * product) / (1 << 15));
    return rounding_divide_by_power_of_two(y, -out_exponent);
  }
};
bool lower_hard_swish(Lower& l) {
  known(l, {});
  const Ends e(l);
  if (!e.integer()) return false;
  if (e.in.type.bits != 8) throw unsupported("HARD_SWISH of quantized tensors takes 8-bit ones").with("found", dtype_name(e.in.type));
  const HardSwish f(e.in.one_scale(), e.out.one_scale());
  table(l, e, [&](int64_t q) { return e.clamped(static_cast<double>(saturate16(f(q - e.in.one_zero()) + e.out.one_zero()))); });
  return true;
}
TENON_TFLITE_QUANTIZED("HARD_SWISH", lower_hard_swish);

}  // namespace
}  // namespace tenon::tflite::quantized
