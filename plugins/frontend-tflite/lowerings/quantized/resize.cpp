// SPDX-License-Identifier: Apache-2.0
// resize.cpp - RESIZE_BILINEAR of quantized tensors: positions and weights in fixed point with 10 bits; for unsigned numbers in float.
#include <algorithm>

#include "dispatch.hpp"
#include "float_form.hpp"
#include "image.hpp"
#include "options.hpp"

namespace tenon::tflite::quantized {
namespace {

constexpr int64_t kOne = 1 << 10;

/// The two source positions of every output position of one axis, and their weights.
struct Taps {
  std::vector<int64_t> first, second;
  std::vector<int64_t> first_weight, second_weight;
  Taps(int64_t in, int64_t out, bool align_corners, bool half_pixel) {
    const bool aligned = align_corners && out > 1;
    const int64_t spans = aligned ? in - 1 : in, steps = aligned ? out - 1 : out, scale = (kOne * spans + steps / 2) / steps;
    for (int64_t o = 0; o < out; ++o) {
      const int64_t at = half_pixel ? o * scale + scale / 2 - kOne / 2 : o * scale;
      const int64_t low = std::max<int64_t>(at / kOne, 0), high = std::min((at + kOne - 1) / kOne, in - 1), weight = at - kOne * low;
      first.push_back(std::min(low, in - 1));
      second.push_back(std::clamp<int64_t>(high, 0, in - 1));
      first_weight.push_back(kOne - weight);
      second_weight.push_back(weight);
    }
  }
};

/// x, of type T, along one of the two last axes.
template <class T>
tenon_value interpolated(Build& b, tenon_value x, const Taps& t, int64_t axis) {
  auto part = [&](const std::vector<int64_t>& at, const std::vector<int64_t>& weight) {
    Dims shape{static_cast<int64_t>(at.size())};
    if (axis == 2) shape.push_back(1);
    return b.emit("Mul", {b.emit("Gather", {x, b.ints(at)}, AttrList{}.set("axis", axis)), b.constant(shape, std::vector<T>(weight.begin(), weight.end()))});
  };
  return b.emit("Add", {part(t.first, t.first_weight), part(t.second, t.second_weight)});
}

tenon_value float_resize(Build& b, Lower& l, tenon_value x, const Affine& out) {
  const char* mode = l.i("align_corners") ? "align_corners" : l.i("half_pixel_centers") ? "half_pixel" : "asymmetric";
  const tenon_value batch = b.emit("Shape", {x}, AttrList{}.set("start", 0).set("end", 2));
  const tenon_value size = b.emit("Concat", {batch, b.cast(l.in(1), dt::i64)}, AttrList{}.set("axis", 0));
  const AttrList a = AttrList{}.set("mode", "linear").set("coordinate_transformation_mode", mode);
  return rounded(b, b.emit("Resize", {b.cast(x, dt::f32), 0, 0, size}, a), {out.type, {1.0f}, {0}, 0});
}

bool lower_resize_bilinear(Lower& l) {
  const Affine in = input_affine(l, 0), out = output_affine(l);
  if (!is_quantized(in) || !is_quantized(out)) return false;
  known(l, {"align_corners", "half_pixel_centers", "new_height", "new_width"});
  const ValueInfo i = l.info(l.in(0));
  const auto size = constant_ints(l, l.in(1));
  Build b(l);
  const tenon_value x = to_channels_first(b, l.in(0));
  if (in.type.code == TENON_DT_UINT || !size || size->size() != 2 || i.rank() != 4 || i.dim(1) < 1 || i.dim(2) < 1) {
    finish(l, {to_channels_last(b, float_resize(b, l, x, out))});
    return true;
  }
  for (int64_t n : *size)
    if (n < 1 || n > (1 << 24)) throw invalid("an image cannot be resized to this size").with("found", std::to_string(n));
  const bool corners = l.i("align_corners") != 0, half = l.i("half_pixel_centers") != 0;
  const Taps rows(i.dim(1), (*size)[0], corners, half), columns(i.dim(2), (*size)[1], corners, half);
  // 16-bit numbers with 20 more bits need 64.
  const tenon_value sums = in.type.bits == 8 ? interpolated<int32_t>(b, interpolated<int32_t>(b, b.wide(x), rows, 2), columns, 3)
                                             : interpolated<int64_t>(b, interpolated<int64_t>(b, b.cast(x, dt::i64), rows, 2), columns, 3);
  finish(l, {to_channels_last(b, requantize(b, sums, {0x1p-20}, {out.type, 0, {}, "half_away"}))});
  return true;
}
TENON_TFLITE_QUANTIZED("RESIZE_BILINEAR", lower_resize_bilinear);

}  // namespace
}  // namespace tenon::tflite::quantized
