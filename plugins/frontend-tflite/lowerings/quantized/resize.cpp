// SPDX-License-Identifier: Apache-2.0
// resize.cpp - RESIZE_BILINEAR of quantized tensors: positions and weights in fixed point with 10 bits; for unsigned numbers in float.
#include "dispatch.hpp"
#include "float_form.hpp"
#include "image.hpp"
#include "options.hpp"

namespace tenon::tflite::quantized {
namespace {

constexpr int64_t kOne = 1 << 10;

/// i64 arithmetic on scalars and vectors; constants are folded by passes.
struct Whole {
  Build& b;
  tenon_value number(int64_t v) { return b.scalar(v); }
  tenon_value add(tenon_value x, tenon_value y) { return b.emit("Add", {x, y}); }
  tenon_value sub(tenon_value x, tenon_value y) { return b.emit("Sub", {x, y}); }
  tenon_value mul(tenon_value x, int64_t y) { return b.emit("Mul", {x, number(y)}); }
  tenon_value div(tenon_value x, tenon_value y) { return b.emit("Div", {x, y}); }
  tenon_value min(tenon_value x, tenon_value y) { return b.emit("Minimum", {x, y}); }
  tenon_value max(tenon_value x, int64_t y) { return b.emit("Maximum", {x, number(y)}); }
};

/// The two source positions of every output position of one axis, and their weights.
struct Taps {
  tenon_value first, second, first_weight, second_weight;
};
/// `in` and `out` are scalars. Positions are o * scale, or half a pixel off; quotients are cut towards zero.
Taps taps(Build& b, tenon_value in, tenon_value out, bool align_corners, bool half_pixel) {
  Whole w{b};
  const tenon_value one = w.number(1), last = w.sub(in, one);
  const tenon_value spans = align_corners ? last : in, steps = align_corners ? w.max(w.sub(out, one), 1) : out;
  const tenon_value scale = w.div(w.add(w.mul(spans, kOne), w.div(steps, w.number(2))), steps);
  tenon_value at = b.emit("Mul", {b.emit("Range", {w.number(0), out, one}), scale});
  if (half_pixel) at = w.add(at, w.sub(w.div(scale, w.number(2)), w.number(kOne / 2)));
  const tenon_value low = w.max(w.div(at, w.number(kOne)), 0), high = w.max(w.min(w.div(w.add(at, w.number(kOne - 1)), w.number(kOne)), last), 0);
  const tenon_value weight = w.sub(at, w.mul(low, kOne));
  return {w.min(low, last), high, w.sub(w.number(kOne), weight), weight};
}

/// x, of type `type`, along one of the two last axes.
tenon_value interpolated(Build& b, tenon_value x, const Taps& t, int64_t axis, tenon_dtype type) {
  auto part = [&](tenon_value at, tenon_value weight) {
    const tenon_value factor = axis == 2 ? b.reshape(b.cast(weight, type), {-1, 1}) : b.cast(weight, type);
    return b.emit("Mul", {b.emit("Gather", {x, at}, AttrList{}.set("axis", axis)), factor});
  };
  return b.emit("Add", {part(t.first, t.first_weight), part(t.second, t.second_weight)});
}

tenon_value float_resize(Build& b, Lower& l, tenon_value x, tenon_value size, const Affine& out) {
  const char* mode = l.i("align_corners") ? "align_corners" : l.i("half_pixel_centers") ? "half_pixel" : "asymmetric";
  const tenon_value batch = b.emit("Shape", {x}, AttrList{}.set("start", 0).set("end", 2));
  const tenon_value sizes = b.emit("Concat", {batch, size}, AttrList{}.set("axis", 0));
  const AttrList a = AttrList{}.set("mode", "linear").set("coordinate_transformation_mode", mode);
  return rounded(b, b.emit("Resize", {b.cast(x, dt::f32), 0, 0, sizes}, a), {out.type, {1.0f}, {0}, 0});
}

tenon_value integer_resize(Build& b, Lower& l, tenon_value x, tenon_value size, const Affine& out) {
  const tenon_value shape = b.emit("Shape", {x});
  auto element = [&](tenon_value list, int64_t k) { return b.emit("Gather", {list, b.scalar(k)}, AttrList{}.set("axis", 0)); };
  auto axis = [&](int64_t k) { return taps(b, element(shape, k), element(size, k - 2), l.i("align_corners") != 0, l.i("half_pixel_centers") != 0); };
  // 16-bit numbers with 20 more bits need 64.
  const tenon_dtype type = out.type.bits == 8 ? dt::i32 : dt::i64;
  const tenon_value rows = interpolated(b, b.cast(x, type), axis(2), 2, type);
  return requantize(b, interpolated(b, rows, axis(3), 3, type), {0x1p-20}, {out.type, 0, {}, "half_away"});
}

bool lower_resize_bilinear(Lower& l) {
  const Affine in = input_affine(l, 0), out = output_affine(l);
  if (!is_quantized(in) || !is_quantized(out)) return false;
  known(l, {"align_corners", "half_pixel_centers"});
  arity(l, 2, 2);
  Build b(l);
  const tenon_value x = to_channels_first(b, need(l, 0)), size = index_list(l, need(l, 1));
  const tenon_value y = in.type.code == TENON_DT_UINT ? float_resize(b, l, x, size, out) : integer_resize(b, l, x, size, out);
  finish(l, {to_channels_last(b, y)});
  return true;
}
TENON_TFLITE_QUANTIZED("RESIZE_BILINEAR", lower_resize_bilinear);

}  // namespace
}  // namespace tenon::tflite::quantized
