// SPDX-License-Identifier: Apache-2.0
// quantize.cpp - QUANTIZE, DEQUANTIZE, FAKE_QUANT, and operators that only move numbers but bring them to another scale or fill with the
// zero point.
#include <cmath>

#include "build.hpp"
#include "dispatch.hpp"
#include "options.hpp"

namespace tenon::tflite::quantized {
namespace {

/// Scales as a tensor: one number, or one for each slice of the axis.
tenon_value scales(Build& b, const Affine& a, const std::vector<float>& scale) {
  return a.per_axis() ? b.constant({static_cast<int64_t>(scale.size())}, scale) : b.scalar(scale.at(0));
}
tenon_value zero_points(Build& b, const Affine& a) {
  if (!a.per_axis()) return b.integer(a.type, a.one_zero());
  std::vector<int64_t> z;
  for (size_t k = 0; k < a.scale.size(); ++k) z.push_back(a.zero(k));
  return b.cast(b.ints(z), a.type);
}
/// Extents that lay numbers along the quantized axis.
std::vector<int64_t> along_axis(const Affine& a, int32_t rank) {
  std::vector<int64_t> shape(static_cast<size_t>(std::max<int64_t>(rank - a.axis, 1)), 1);
  shape[0] = -1;
  return shape;
}

/// Multiplied by the inverse scale, and halves rounded to even.
bool from_float(Lower& l, const Affine& out) {
  Build b(l);
  std::vector<float> inverse;
  for (float s : out.scale) inverse.push_back(1.0f / s);
  tenon_value factor = scales(b, out, inverse);
  if (out.per_axis()) factor = b.reshape(factor, along_axis(out, rank_of(l, l.in(0))));
  const tenon_value x = b.emit("Mul", {b.cast(l.in(0), dt::f32), factor});
  AttrList a;
  if (out.per_axis()) a.add("axis", out.axis);
  finish(l, {b.emit("QuantizeLinear", {x, scales(b, out, std::vector<float>(inverse.size(), 1.0f)), zero_points(b, out)}, a)});
  return true;
}

bool from_integer(Lower& l, const Affine& in, const Affine& out) {
  const double scale = static_cast<double>(in.one_scale()) / static_cast<double>(out.one_scale());
  Build b(l);
  if (in.type.bits == 8) {
    const FixedScale s = fixed_scale(scale);
    const Range r = range_of(out.type);
    finish(l, {mapped(b, l.in(0), in.type, out.type, [&](int64_t q) {
      return std::clamp(multiply_rounding_twice(static_cast<int32_t>(q - in.one_zero()), s) + out.one_zero(), r.low, r.high);
    })});
  } else {
    finish(l, {requantize(b, b.centred(l.in(0), in.one_zero()), {scale}, {out.type, out.one_zero(), {}})});
  }
  return true;
}

bool lower_quantize(Lower& l) {
  known(l, {});
  const Affine in = input_affine(l, 0), out = output_affine(l);
  if (!out) throw invalid("the output of QUANTIZE has no scale");
  if (is_float(in.type)) return from_float(l, out);
  if (!in) throw invalid("the input of QUANTIZE is neither a float nor quantized").with("found", dtype_name(in.type));
  return from_integer(l, in, out);
}
TENON_TFLITE_QUANTIZED("QUANTIZE", lower_quantize);
void never(Lower&) {}
TFLITE_LOWERING("QUANTIZE", never);
TFLITE_LOWERING("FAKE_QUANT", never);

bool lower_dequantize(Lower& l) {
  known(l, {});
  const Affine in = input_affine(l, 0);
  if (is_float(in.type)) return false;
  if (!in) throw invalid("the input of DEQUANTIZE has no scale");
  Build b(l);
  AttrList a;
  if (in.per_axis()) a.add("axis", in.axis);
  finish(l, {b.emit("DequantizeLinear", {l.in(0), scales(b, in, in.scale), zero_points(b, in)}, a)});
  return true;
}
TENON_TFLITE_QUANTIZED("DEQUANTIZE", lower_dequantize);

/// f16 and bf16, which have no scale.
void lower_widen(Lower& l) {
  known(l, {});
  to(l, "Cast", {need(l, 0)}, AttrList{}.set("to", dtype_name(type_of(l, l.out(0)))));
}
TFLITE_LOWERING("DEQUANTIZE", lower_widen);

/// Inputs with other parameters than the output's are brought to them in float.
bool lower_concatenation(Lower& l) {
  const Affine out = output_affine(l);
  if (!is_quantized(out)) return false;
  known(l, {"axis", "fused_activation_function"});
  activation_range(activation(l), out);
  if (activation(l) != "NONE") throw unsupported("CONCATENATION of quantized tensors has no fused activation").with("found", activation(l));
  Build b(l);
  Values parts;
  for (uint64_t k = 0; k < l.n_in(); ++k) {
    const Affine in = input_affine(l, k);
    if (same_affine(in, out)) {
      parts.push_back(l.in(k));
      continue;
    }
    const float scale = in.one_scale() * (1.f / out.one_scale()), bias = static_cast<float>(-in.one_zero()) * scale;
    const Range r = range_of(out.type);
    parts.push_back(mapped(b, l.in(k), in.type, out.type, [&](int64_t q) {
      return cut(static_cast<double>(std::round(static_cast<float>(q) * scale + bias)) + static_cast<double>(out.one_zero()), r);
    }));
  }
  finish(l, {b.emit("Concat", parts, AttrList{}.set("axis", l.i("axis")))});
  return true;
}
TENON_TFLITE_QUANTIZED("CONCATENATION", lower_concatenation);

/// [n, 2] pairs as all begins, then all ends.
tenon_value pads(Build& b, tenon_value pairs) { return b.reshape(b.transpose(b.cast(pairs, dt::i64), {1, 0}), {-1}); }

bool lower_pad(Lower& l) {
  const Affine out = output_affine(l);
  if (!is_quantized(out)) return false;
  known(l, {});
  Build b(l);
  finish(l, {b.emit("Pad", {l.in(0), pads(b, l.in(1)), b.integer(out.type, out.one_zero())}, AttrList{}.set("mode", "constant"))});
  return true;
}
TENON_TFLITE_QUANTIZED("PAD", lower_pad);

/// Range [min, max], moved so that 0 is one of its 2^bits numbers.
struct Nudged {
  float scale, low, high;
  Nudged(float min, float max, int64_t bits, bool narrow) {
    const float first = narrow ? 1 : 0, last = static_cast<float>((int64_t{1} << bits) - 1);
    scale = (max - min) / (last - first);
    const float zero = first - min / scale;
    const float nudged = zero < first ? first : zero > last ? last : std::round(zero);
    low = (first - nudged) * scale, high = (last - nudged) * scale;
  }
};
bool lower_fake_quant(Lower& l) {
  known(l, {"min", "max", "num_bits", "narrow_range"});
  const auto min = static_cast<float>(l.f("min")), max = static_cast<float>(l.f("max"));
  const int64_t bits = l.i("num_bits");
  if (!(min < max) || min > 0 || max < 0 || bits < 2 || bits > 16)
    throw invalid("the range of FAKE_QUANT is none").with("expected", "min <= 0 <= max, min < max and 2 to 16 bits").with("found", std::to_string(min) + " to " + std::to_string(max) + ", " + std::to_string(bits) + " bits");
  const Nudged n(min, max, bits, l.i("narrow_range") != 0);
  Build b(l);
  const tenon_value clipped = b.emit("Clip", {l.in(0), b.scalar(n.low), b.scalar(n.high)});
  const tenon_value steps = b.emit("Mul", {b.emit("Sub", {clipped, b.scalar(n.low)}), b.scalar(1.0f / n.scale)});
  const tenon_value rounded = b.emit("Floor", {b.emit("Add", {steps, b.scalar(0.5f)})});
  finish(l, {b.emit("Add", {b.emit("Mul", {rounded, b.scalar(n.scale)}), b.scalar(n.low)})});
  return true;
}
TENON_TFLITE_QUANTIZED("FAKE_QUANT", lower_fake_quant);

}  // namespace
}  // namespace tenon::tflite::quantized
