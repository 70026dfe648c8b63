// SPDX-License-Identifier: Apache-2.0
// softmax.cpp - SOFTMAX and LOG_SOFTMAX of quantized tensors over the last dimension: exponentials of differences to the largest number
// come from a table; sums and quotients are in float, or for 16-bit numbers in integers.
#include <cmath>

#include "build.hpp"
#include "dispatch.hpp"
#include "float_form.hpp"
#include "options.hpp"
#include "pieces.hpp"

namespace tenon::tflite::quantized {
namespace {

tenon_value over_last(Build& b, std::string_view op, tenon_value x) { return b.emit(op, {x, b.ints({-1})}, AttrList{}.set("keepdims", 1)); }

struct Exponentials {
  tenon_value wide, most, powers, sum;
};
/// exp(scale * (q - most)) and its sum. Differences are 0 to -255: an index below 0 counts from the table's end.
Exponentials exponentials(Build& b, tenon_value q, float scale) {
  std::vector<float> table(256, 1.0f);
  for (size_t d = 1; d < 256; ++d) table[256 - d] = std::exp(-scale * static_cast<float>(d));
  Exponentials e{};
  e.wide = b.wide(q);
  e.most = over_last(b, "ReduceMax", e.wide);
  e.powers = b.emit("Gather", {b.constant({256}, table), b.emit("Sub", {e.wide, e.most})}, AttrList{}.set("axis", 0));
  e.sum = over_last(b, "ReduceSum", e.powers);
  return e;
}

constexpr double kRange = 65535;

/// exp(scale * d) for d = 0 to -65535, in 15 bits; arguments below -10 count as -10.
std::vector<int32_t> word_exponentials(double scale) {
  const FixedScale s = fixed_scale(scale / (10.0 / kRange));
  const Pieces<double> exp({10.0 / kRange, INT16_MAX}, {2.0 / kRange, 0}, [](double v) { return std::exp(v); });
  std::vector<int32_t> t(65536);
  for (int32_t d = 0; d < 65536; ++d) t[static_cast<size_t>((65536 - d) % 65536)] = exp(std::max<int64_t>(int64_t{multiply_rounding_twice(-d, s)} + INT16_MAX, INT16_MIN));
  return t;
}
/// 1 / (1 + x) in 15 bits, for x in [0, 1] as 16-bit numbers.
std::vector<int32_t> word_reciprocals() {
  const Pieces<double> f({1.0 / kRange, INT16_MIN}, {2.0 / kRange, 0}, [](double v) { return 1.0 / (1.0 + v); });
  std::vector<int32_t> t(65536);
  for (int32_t q = INT16_MIN; q <= INT16_MAX; ++q) t[static_cast<uint16_t>(q)] = f(q);
  return t;
}
std::vector<int64_t> powers_of_two(int first, int step) {
  std::vector<int64_t> r;
  for (int k = 0; k < 33; ++k) r.push_back(int64_t{1} << std::clamp(first + step * k, 0, 62));
  return r;
}

/// The sum is brought to [1, 2) by a shift, and its reciprocal is looked up.
tenon_value word_softmax(Build& b, tenon_value q, double scale, const Affine& out) {
  auto gather = [&](tenon_value table, tenon_value at) { return b.emit("Gather", {table, at}, AttrList{}.set("axis", 0)); };
  auto add = [&](tenon_value x, int64_t y) { return b.emit("Add", {x, b.scalar(y)}); };
  const tenon_value x = b.wide(q), most = over_last(b, "ReduceMax", x);
  const tenon_value power = b.cast(lookup(b, b.emit("Sub", {x, most}), dt::i32, word_exponentials(scale)), dt::i64), sum = over_last(b, "ReduceSum", power);
  const tenon_value bits = over_last(b, "ReduceSum", b.cast(b.emit("GreaterEqual", {sum, b.constant({33}, powers_of_two(0, 1))}), dt::i64));
  const tenon_value raised = b.emit("Mul", {sum, gather(b.constant({33}, powers_of_two(31, -1)), bits)});
  const tenon_value at = add(b.emit("Div", {add(raised, 1 << 13), b.scalar(int64_t{1} << 14)}), -((1 << 15) + (1 << 16)));
  const tenon_value clipped = b.emit("Clip", {at, b.scalar(int64_t{INT16_MIN}), b.scalar(int64_t{INT16_MAX})});
  const tenon_value product = b.emit("Mul", {power, b.cast(lookup(b, clipped, dt::i32, word_reciprocals()), dt::i64)});
  const tenon_value half = gather(b.constant({33}, powers_of_two(-2, 1)), bits), whole = gather(b.constant({33}, powers_of_two(-1, 1)), bits);
  return requantize(b, b.emit("Div", {b.emit("Add", {product, half}), whole}), {1.0}, {out.type, 0, {0, INT16_MAX}, "half_even"});
}

bool lower_softmax(Lower& l) {
  const Affine in = input_affine(l, 0), out = output_affine(l);
  if (!is_quantized(in) || !is_quantized(out)) return false;
  known(l, {"beta"});
  const auto beta = static_cast<float>(l.f("beta", 1));
  Build b(l);
  if (in.type.bits > 8) {
    finish(l, {word_softmax(b, l.in(0), static_cast<double>(in.one_scale() * beta), out)});
    return true;
  }
  const Exponentials e = exponentials(b, l.in(0), in.one_scale() * beta);
  const tenon_value inverse = b.emit("Reciprocal", {b.emit("Mul", {e.sum, b.scalar(out.one_scale())})});
  finish(l, {rounded(b, b.emit("Mul", {e.powers, inverse}), out)});
  return true;
}
TENON_TFLITE_QUANTIZED("SOFTMAX", lower_softmax);

bool lower_log_softmax(Lower& l) {
  const Affine in = input_affine(l, 0), out = output_affine(l);
  if (!is_quantized(in) || !is_quantized(out)) return false;
  known(l, {});
  if (in.type.bits > 8) throw unsupported("LOG_SOFTMAX of quantized tensors takes 8-bit ones").with("found", dtype_name(in.type));
  Build b(l);
  const Exponentials e = exponentials(b, l.in(0), in.one_scale());
  const tenon_value offset = b.emit("Add", {b.emit("Mul", {b.cast(e.most, dt::f32), b.scalar(in.one_scale())}), b.emit("Log", {e.sum})});
  const tenon_value scaled = b.emit("Mul", {b.cast(e.wide, dt::f32), b.scalar(in.one_scale() / out.one_scale())});
  const tenon_value y = b.emit("Sub", {scaled, b.emit("Div", {offset, b.scalar(out.one_scale())})});
  finish(l, {b.emit("QuantizeLinear", {y, b.scalar(1.0f), b.integer(out.type, out.one_zero())})});
  return true;
}
TENON_TFLITE_QUANTIZED("LOG_SOFTMAX", lower_log_softmax);

}  // namespace
}  // namespace tenon::tflite::quantized
