// SPDX-License-Identifier: Apache-2.0
// softmax.cpp - SOFTMAX and LOG_SOFTMAX of quantized tensors over the last dimension: exponentials of differences to the largest number
// come from a table, sums and quotients are in float.
#include <cmath>

#include "build.hpp"
#include "dispatch.hpp"
#include "float_form.hpp"
#include "options.hpp"

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

bool lower_softmax(Lower& l) {
  const Affine in = input_affine(l, 0), out = output_affine(l);
  if (!is_quantized(in) || !is_quantized(out)) return false;
  known(l, {"beta"});
  const auto beta = static_cast<float>(l.f("beta", 1));
  Build b(l);
  if (in.type.bits > 8) {
    finish(l, {as_float(b, l.in(0), in, out, [&](tenon_value x) { return b.emit("Softmax", {b.emit("Mul", {x, b.scalar(beta)})}, AttrList{}.set("axis", -1)); })});
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
