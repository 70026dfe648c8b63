// SPDX-License-Identifier: Apache-2.0
// reduce.cpp - MEAN, SUM and REDUCE_PROD of quantized tensors. REDUCE_MAX and REDUCE_MIN take the numbers as they are.
#include <bit>
#include <cmath>

#include "build.hpp"
#include "dispatch.hpp"
#include "float_form.hpp"
#include "options.hpp"

namespace tenon::tflite::quantized {
namespace {

struct Reduction {
  Affine in, out;
  std::vector<int64_t> axes;
  int32_t rank = 0;
  bool keep = false;
  int64_t count = 1;  ///< numbers that go into one result; -1 where a dimension is not known
};

Reduction read(Lower& l) {
  known(l, {"keep_dims"});
  Reduction r{input_affine(l, 0), output_affine(l), {}, rank_of(l, l.in(0)), l.i("keep_dims") != 0, 1};
  r.axes = constant_axes(l, 1, r.rank);
  for (int64_t a : r.axes) {
    const int64_t d = l.info(l.in(0)).dim(static_cast<int32_t>(a));
    if (d < 0 || r.count < 0 || __builtin_mul_overflow(r.count, d, &r.count)) r.count = -1;
  }
  return r;
}

tenon_value reduced(Build& b, std::string_view op, tenon_value x, const Reduction& r) {
  AttrList a;
  a.add("keepdims", r.keep ? 1 : 0);
  if (r.axes.empty()) a.add("noop_with_empty_axes", 1);
  return b.emit(op, {x, b.ints(r.axes)}, a);
}

/// Over height and width of an image, dimensions kept: zero point and scale are rounded apart.
tenon_value image_mean(Build& b, tenon_value sum, const Reduction& r) {
  float shift = static_cast<float>(r.in.one_zero()) * r.in.one_scale() / r.out.one_scale();
  shift = shift > 0 ? shift + 0.5f : shift - 0.5f;
  const int64_t zero = r.out.one_zero() - cut(static_cast<double>(shift), {INT32_MIN, INT32_MAX});
  const float scale = r.in.one_scale() / (static_cast<float>(r.count) * r.out.one_scale());
  return b.cast(requantize(b, sum, {static_cast<double>(scale)}, {dt::i32, zero, range_of(r.out.type), r.in.type == dt::i8 ? "double_up" : "double"}), r.out.type);
}

/// The count divides the multiplier, shifted up by the count's bits before; the product is then rounded twice.
tenon_value divided_mean(Build& b, tenon_value sum, const Reduction& r) {
  const FixedScale s = fixed_scale(static_cast<double>(r.in.one_scale()) / static_cast<double>(r.out.one_scale()));
  const int bits = std::min({static_cast<int>(std::bit_width(static_cast<uint64_t>(r.count))) - 1, 32, 31 + s.shift});
  const auto multiplier = static_cast<double>((int64_t{s.multiplier} << bits) / r.count);
  const int shift = s.shift - bits;
  const tenon_value product = requantize(b, sum, {std::ldexp(multiplier, std::max(shift, 0) - 31)}, {dt::i32, 0, {}, "single"});
  return requantize(b, product, {std::ldexp(1.0, std::min(shift, 0))}, {r.out.type, r.out.one_zero(), {}, "half_away"});
}

bool lower_mean(Lower& l) {
  if (!is_quantized(input_affine(l, 0))) return false;
  const Reduction r = read(l);
  Build b(l);
  if (r.count <= 0) {
    finish(l, {as_float(b, l.in(0), r.in, r.out, [&](tenon_value x) { return reduced(b, "ReduceMean", x, r); })});
    return true;
  }
  if (r.in.type.bits == 8 && r.keep && r.rank == 4 && r.axes == std::vector<int64_t>{1, 2}) {
    finish(l, {image_mean(b, reduced(b, "ReduceSum", b.wide(l.in(0)), r), r)});
    return true;
  }
  const tenon_value sum = reduced(b, "ReduceSum", b.centred(l.in(0), r.in.one_zero()), r);
  finish(l, {divided_mean(b, sum, r)});
  return true;
}
TENON_TFLITE_QUANTIZED("MEAN", lower_mean);

/// Sums are scaled in float.
bool lower_sum(Lower& l) {
  if (!is_quantized(input_affine(l, 0))) return false;
  const Reduction r = read(l);
  Build b(l);
  if (r.count < 0) {
    finish(l, {as_float(b, l.in(0), r.in, r.out, [&](tenon_value x) { return reduced(b, "ReduceSum", x, r); })});
    return true;
  }
  const float scale = r.in.one_scale() / r.out.one_scale(), bias = static_cast<float>(-r.in.one_zero()) * scale * static_cast<float>(r.count);
  const tenon_value sum = b.cast(reduced(b, "ReduceSum", b.wide(l.in(0)), r), dt::f32);
  finish(l, {rounded(b, b.emit("Add", {b.emit("Mul", {sum, b.scalar(scale)}), b.scalar(bias)}), r.out)});
  return true;
}
TENON_TFLITE_QUANTIZED("SUM", lower_sum);

bool lower_prod(Lower& l) {
  if (!is_quantized(input_affine(l, 0))) return false;
  const Reduction r = read(l);
  Build b(l);
  finish(l, {as_float(b, l.in(0), r.in, r.out, [&](tenon_value x) { return reduced(b, "ReduceProd", x, r); })});
  return true;
}
TENON_TFLITE_QUANTIZED("REDUCE_PROD", lower_prod);

}  // namespace
}  // namespace tenon::tflite::quantized
