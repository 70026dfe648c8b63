// SPDX-License-Identifier: Apache-2.0
// pool.cpp - AVERAGE_POOL_2D and MAX_POOL_2D of quantized tensors. Averages are of the numbers as they are, padding left out.
#include <algorithm>

#include "dispatch.hpp"
#include "float_form.hpp"
#include "image.hpp"
#include "options.hpp"

namespace tenon::tflite::quantized {
namespace {

struct Pool {
  Affine in, out;
  ImageWindow window;
  Range range;
};

bool read(Lower& l, Pool* p) {
  p->in = input_affine(l, 0);
  p->out = output_affine(l);
  if (!is_quantized(p->in) || !is_quantized(p->out)) return false;
  known(l, {"padding", "stride_w", "stride_h", "filter_width", "filter_height", "fused_activation_function"});
  p->window = image_window(l, l.in(0), l.i("filter_height"), l.i("filter_width"));
  p->range = activation_range(activation(l), p->out);
  return true;
}

tenon_value clipped(Build& b, tenon_value x, const Pool& p) {
  const Range all = range_of(p.out.type);
  if (p.range.low <= all.low && p.range.high >= all.high) return x;
  return b.emit("Clip", {x, b.integer(p.out.type, p.range.low), b.integer(p.out.type, p.range.high)});
}

bool lower_max(Lower& l) {
  Pool p;
  if (!read(l, &p)) return false;
  Build b(l);
  AttrList a = p.window.attributes();
  a.add("kernel_shape", std::vector<int64_t>{p.window.height.kernel, p.window.width.kernel});
  finish(l, {to_channels_last(b, clipped(b, b.emit("MaxPool", {to_channels_first(b, l.in(0))}, a), p))});
  return true;
}
TENON_TFLITE_QUANTIZED("MAX_POOL_2D", lower_max);

/// Elements of each window that are none of the padding, [OH, OW].
tenon_value counts(Build& b, const ImageWindow& w) {
  auto covered = [](const Spatial& s, int64_t o) {
    const int64_t first = o * s.stride - s.begin;
    return std::min(first + s.kernel, s.in) - std::max<int64_t>(first, 0);
  };
  std::vector<float> r;
  for (int64_t y = 0; y < w.height.out(); ++y)
    for (int64_t x = 0; x < w.width.out(); ++x) r.push_back(static_cast<float>(covered(w.height, y) * covered(w.width, x)));
  return b.constant({w.height.out(), w.width.out()}, r);
}

/// Sums over the windows, i32 (i64 for 16-bit numbers): a depthwise convolution by ones.
tenon_value sums(Build& b, tenon_value x, int64_t channels, const Pool& p) {
  const int64_t h = p.window.height.kernel, w = p.window.width.kernel;
  const tenon_value ones = b.constant({channels, 1, h, w}, std::vector<int8_t>(static_cast<size_t>(channels * h * w), 1));
  AttrList a = p.window.attributes();
  a.add("group", channels);
  return b.emit("ConvInteger", {x, ones}, a);
}

tenon_value integer_average(Build& b, tenon_value x, int64_t channels, const Pool& p) {
  const tenon_value sum = sums(b, x, channels, p);
  if (p.window.is_padded()) return clipped(b, rounded(b, b.emit("Div", {b.cast(sum, dt::f32), counts(b, p.window)}), {p.out.type, {1.0f}, {0}, 0}), p);
  // A hair above 1 / count, so that halves, which this product may miss, are still rounded away from zero.
  const double scale = (1 + 0x1p-40) / static_cast<double>(p.window.height.kernel * p.window.width.kernel);
  return requantize(b, sum, {scale}, {p.out.type, 0, p.range, "half_away"});
}

/// For images whose size is not known, or whose windows are too large to be written down.
tenon_value float_average(Build& b, tenon_value x, const Pool& p) {
  AttrList a = p.window.attributes();
  a.add("kernel_shape", std::vector<int64_t>{p.window.height.kernel, p.window.width.kernel}).add("count_include_pad", 0);
  return clipped(b, rounded(b, b.emit("AveragePool", {b.cast(x, dt::f32)}, a), {p.out.type, {1.0f}, {0}, 0}), p);
}

bool is_small(int64_t a, int64_t b, int64_t c) {
  constexpr int64_t most = 1 << 22;
  return a >= 0 && b >= 0 && c >= 0 && (a == 0 || b <= most / a) && (a * b == 0 || c <= most / (a * b));
}

bool lower_average(Lower& l) {
  Pool p;
  if (!read(l, &p)) return false;
  Build b(l);
  const tenon_value x = to_channels_first(b, l.in(0));
  const ValueInfo i = l.info(l.in(0));
  const ImageWindow& w = p.window;
  const bool known = i.rank() == 4 && w.is_static() && is_small(i.dim(3), w.height.kernel, w.width.kernel) && is_small(1, w.height.out(), w.width.out());
  finish(l, {to_channels_last(b, known ? integer_average(b, x, i.dim(3), p) : float_average(b, x, p))});
  return true;
}
TENON_TFLITE_QUANTIZED("AVERAGE_POOL_2D", lower_average);

}  // namespace
}  // namespace tenon::tflite::quantized
