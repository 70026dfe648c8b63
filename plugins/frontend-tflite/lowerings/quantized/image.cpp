// SPDX-License-Identifier: Apache-2.0
#include "image.hpp"

#include <algorithm>

#include "options.hpp"

namespace tenon::tflite::quantized {
namespace {

/// SAME: as many windows as strides fit, the odd row of padding at the end.
void pad_same(Spatial& s) {
  const int64_t out = (s.in + s.stride - 1) / s.stride, total = std::max<int64_t>(0, (out - 1) * s.stride + s.extent() - s.in);
  s.begin = total / 2;
  s.end = total - s.begin;
}

void check(const Spatial& s) {
  constexpr int64_t most = 1 << 28;  // products stay inside 64 bits
  if (std::min({s.kernel, s.stride, s.dilation}) < 1 || std::max({s.kernel, s.stride, s.dilation}) > most)
    throw invalid("a window's size, stride or dilation is out of range").with("expected", "1 to 2^28").with("found", std::to_string(s.kernel) + ", " + std::to_string(s.stride) + ", " + std::to_string(s.dilation));
}

std::vector<int64_t> pair(int64_t a, int64_t b) { return {a, b}; }

}  // namespace

AttrList ImageWindow::attributes() const {
  AttrList a;
  a.add("strides", pair(height.stride, width.stride)).add("dilations", pair(height.dilation, width.dilation));
  if (auto_pad) a.add("auto_pad", "SAME_UPPER");
  else a.add("pads", std::vector<int64_t>{height.begin, width.begin, height.end, width.end});
  return a;
}

ImageWindow image_window(Lower& l, tenon_value x, int64_t kernel_height, int64_t kernel_width) {
  const ValueInfo i = l.info(x);
  if (i.rank() >= 0 && i.rank() != 4) throw invalid("an image operator's input has a wrong rank").with("expected", "4").with("found", std::to_string(i.rank()));
  auto size = [&](int32_t k) { return i.rank() == 4 ? std::max<int64_t>(i.dim(k), TENON_DIM_UNKNOWN) : int64_t{TENON_DIM_UNKNOWN}; };
  ImageWindow w{{size(1), kernel_height, l.i("stride_h", 1), l.i("dilation_h_factor", 1)}, {size(2), kernel_width, l.i("stride_w", 1), l.i("dilation_w_factor", 1)}};
  check(w.height);
  check(w.width);
  const std::string padding = l.s("padding", "SAME");
  if (padding == "VALID") return w;
  if (padding != "SAME") throw unsupported("this padding is not known").with("expected", "SAME or VALID").with("found", padding);
  w.auto_pad = !w.is_static();
  if (w.auto_pad) return w;
  pad_same(w.height);
  pad_same(w.width);
  return w;
}

tenon_value to_channels_first(Build& b, tenon_value x) { return b.transpose(x, {0, 3, 1, 2}); }
tenon_value to_channels_last(Build& b, tenon_value x) { return b.transpose(x, {0, 2, 3, 1}); }

int64_t known_dim(const Lower& l, tenon_value v, int32_t k) {
  const ValueInfo i = l.info(v);
  if (i.rank() < 0 || k >= i.rank() || i.dim(k) < 0) throw unsupported("dimension " + std::to_string(k) + " of a tensor is not known").with("hint", "give the shapes of the model's inputs with \"shapes\"");
  return i.dim(k);
}

}  // namespace tenon::tflite::quantized
