// SPDX-License-Identifier: Apache-2.0
// binary.cpp - ADD, SUB, MUL, DIV, SQUARED_DIFFERENCE and comparisons of quantized tensors. Sums and differences bring both operands to
// the scale 2 * max(scales) with some more bits, in i32.
#include <algorithm>
#include <cmath>

#include "build.hpp"
#include "dispatch.hpp"
#include "options.hpp"

namespace tenon::tflite::quantized {
namespace {

struct Operands {
  Affine a, b, out;
  explicit Operands(Lower& l) : a(input_affine(l, 0)), b(input_affine(l, 1)), out(output_affine(l)) {}
  bool integer() const { return is_quantized(a) && is_quantized(b); }
};

Requantized to_output(Lower& l, const Affine& out) { return {out.type, out.one_zero(), activation_range(activation(l), out)}; }

/// (q - zero) * 2^bits * scale in i32; a table for 8-bit tensors.
tenon_value rescaled(Build& b, tenon_value q, const Affine& a, int bits, double scale) {
  const FixedScale s = fixed_scale(scale);
  const int64_t zero = a.one_zero();
  if (a.type.bits == 8)
    return mapped(b, q, a.type, dt::i32, [=](int64_t v) { return multiply_rounding_twice(static_cast<int32_t>((v - zero) * (int64_t{1} << bits)), s); });
  const tenon_value shifted = b.emit("Mul", {b.centred(q, zero), b.scalar(int32_t{1} << bits)});
  return requantize(b, shifted, {scale}, {dt::i32, 0, {}});
}

bool power_of_two(float scale, int* log2) {
  const double exact = std::log2(static_cast<double>(scale));
  *log2 = static_cast<int>(std::round(exact));
  return std::fabs(exact - *log2) < 1e-3;
}

/// 16-bit sums of operands whose scales are powers of two: the finer one is rounded to the output's scale, which the other has.
bool add_powers_of_two(Lower& l, const Operands& o, std::string_view op) {
  int a = 0, b = 0, y = 0;
  if (o.out.type != dt::i16 || !l.i("pot_scale_int16", 1) || !power_of_two(o.a.one_scale(), &a) || !power_of_two(o.b.one_scale(), &b) || !power_of_two(o.out.one_scale(), &y)) return false;
  if (a > y || b > y || (a != y && b != y)) throw unsupported("the scales of a 16-bit sum do not fit together").with("expected", "one input with the output's scale, the other with a finer one");
  Build m(l);
  auto operand = [&](uint64_t k, int log2) {
    if (log2 == y) return m.wide(l.in(k));
    return requantize(m, m.wide(l.in(k)), {std::ldexp(1.0, log2 - y)}, {dt::i32, 0, {}, "half_away"});
  };
  const tenon_value x = operand(0, a), z = operand(1, b);
  finish(l, {requantize(m, m.emit(op, {x, z}), {1.0}, to_output(l, o.out))});
  return true;
}

bool lower_sum(Lower& l, std::string_view op) {
  const Operands o(l);
  if (!o.integer()) return false;
  known(l, {"fused_activation_function", "pot_scale_int16"});
  if (add_powers_of_two(l, o, op)) return true;
  const int bits = o.out.type.bits == 8 ? 20 : 15;
  const double twice = 2 * static_cast<double>(std::max(o.a.one_scale(), o.b.one_scale()));
  Build b(l);
  const tenon_value x = rescaled(b, l.in(0), o.a, bits, o.a.one_scale() / twice), z = rescaled(b, l.in(1), o.b, bits, o.b.one_scale() / twice);
  finish(l, {requantize(b, b.emit(op, {x, z}), {twice / (std::ldexp(1.0, bits) * o.out.one_scale())}, to_output(l, o.out))});
  return true;
}
bool lower_add(Lower& l) { return lower_sum(l, "Add"); }
bool lower_sub(Lower& l) { return lower_sum(l, "Sub"); }
TENON_TFLITE_QUANTIZED("ADD", lower_add);
TENON_TFLITE_QUANTIZED("SUB", lower_sub);

bool lower_mul(Lower& l) {
  const Operands o(l);
  if (!o.integer()) return false;
  known(l, {"fused_activation_function"});
  Build b(l);
  const tenon_value product = b.emit("Mul", {b.centred(l.in(0), o.a.one_zero()), b.centred(l.in(1), o.b.one_zero())});
  const float scale = o.a.one_scale() * o.b.one_scale() / o.out.one_scale();
  finish(l, {requantize(b, product, {static_cast<double>(scale)}, to_output(l, o.out))});
  return true;
}
TENON_TFLITE_QUANTIZED("MUL", lower_mul);

/// The quotient of every pair of 8-bit numbers, as a table.
bool lower_div(Lower& l) {
  const Operands o(l);
  if (!o.integer()) return false;
  known(l, {"fused_activation_function"});
  if (o.a.type.bits != 8 || o.b.type.bits != 8) throw unsupported("DIV of quantized tensors takes 8-bit ones").with("found", dtype_name(o.a.type) + " and " + dtype_name(o.b.type));
  const Range a = range_of(o.a.type), d = range_of(o.b.type), y = activation_range(activation(l), o.out);
  const double scale = static_cast<double>(o.a.one_scale()) / (static_cast<double>(o.b.one_scale()) * o.out.one_scale());
  std::vector<int32_t> table;
  for (int64_t p = a.low; p <= a.high; ++p)
    for (int64_t q = d.low; q <= d.high; ++q) {
      const double quotient = static_cast<double>(p - o.a.one_zero()) / static_cast<double>(q - o.b.one_zero()) * scale;
      const double r = std::round(quotient == quotient ? quotient : 0.0) + static_cast<double>(o.out.one_zero());
      table.push_back(static_cast<int32_t>(cut(r, y)));
    }
  Build b(l);
  const tenon_value row = b.emit("Mul", {b.centred(l.in(0), a.low), b.scalar(int32_t{256})});
  finish(l, {lookup(b, b.emit("Add", {row, b.centred(l.in(1), d.low)}), o.out.type, table)});
  return true;
}
TENON_TFLITE_QUANTIZED("DIV", lower_div);

bool lower_squared_difference(Lower& l) {
  const Operands o(l);
  if (!o.integer()) return false;
  known(l, {});
  constexpr int bits = 7;
  const double twice = 2.0 * static_cast<double>(std::max(o.a.one_scale(), o.b.one_scale()));
  Build b(l);
  const tenon_value x = rescaled(b, l.in(0), o.a, bits, o.a.one_scale() / twice), z = rescaled(b, l.in(1), o.b, bits, o.b.one_scale() / twice);
  const tenon_value difference = b.emit("Sub", {x, z});
  const double scale = twice * twice / (std::ldexp(1.0, 2 * bits) * static_cast<double>(o.out.one_scale()));
  finish(l, {requantize(b, b.emit("Mul", {difference, difference}), {scale}, {o.out.type, o.out.one_zero(), range_of(o.out.type)})});
  return true;
}
TENON_TFLITE_QUANTIZED("SQUARED_DIFFERENCE", lower_squared_difference);

/// Both operands as real numbers with 8 more bits. Tensors with the same scale and zero point compare as they are.
bool lower_comparison(Lower& l, std::string_view op) {
  const Operands o(l);
  if (!o.integer() || same_affine(o.a, o.b)) return false;
  known(l, {});
  Build b(l);
  const tenon_value x = rescaled(b, l.in(0), o.a, 8, o.a.one_scale()), z = rescaled(b, l.in(1), o.b, 8, o.b.one_scale());
  finish(l, {b.emit(op, {x, z})});
  return true;
}
bool lower_equal(Lower& l) { return lower_comparison(l, "Equal"); }
bool lower_not_equal(Lower& l) { return lower_comparison(l, "NotEqual"); }
bool lower_less(Lower& l) { return lower_comparison(l, "Less"); }
bool lower_less_equal(Lower& l) { return lower_comparison(l, "LessEqual"); }
bool lower_greater(Lower& l) { return lower_comparison(l, "Greater"); }
bool lower_greater_equal(Lower& l) { return lower_comparison(l, "GreaterEqual"); }
TENON_TFLITE_QUANTIZED("EQUAL", lower_equal);
TENON_TFLITE_QUANTIZED("NOT_EQUAL", lower_not_equal);
TENON_TFLITE_QUANTIZED("LESS", lower_less);
TENON_TFLITE_QUANTIZED("LESS_EQUAL", lower_less_equal);
TENON_TFLITE_QUANTIZED("GREATER", lower_greater);
TENON_TFLITE_QUANTIZED("GREATER_EQUAL", lower_greater_equal);

}  // namespace
}  // namespace tenon::tflite::quantized
