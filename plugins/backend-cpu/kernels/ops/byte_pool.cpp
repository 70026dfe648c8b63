// SPDX-License-Identifier: Apache-2.0
// MaxPool of 8-bit images, channels last.
#include <algorithm>

#include "../../threads/pool.hpp"
#include "../integer/weights.hpp"
#include "../kernel.hpp"
#include "../window.hpp"

namespace tenon::cpu {
namespace {

template <class T>
struct MaxStep {
  SlotId x, y;
  int64_t batch, channels, height, width, out_height, out_width;
  Dims kernel;
  dnn::Window window;

  void run(const Run& r) const {
    const T* in = r.at<T>(x);
    T* out = r.at<T>(y);
    parallel_for(batch * out_height, std::max<int64_t>(1, 16384 / (out_width * channels * product(kernel))), [&](int64_t begin, int64_t end) {
      for (int64_t l = begin; l < end; ++l)
        for (int64_t w = 0; w < out_width; ++w) pixel(in + l / out_height * height * width * channels, l % out_height, w, out + (l * out_width + w) * channels);
    });
  }
  void pixel(const T* image, int64_t h, int64_t w, T* to) const {
    std::fill_n(to, channels, std::numeric_limits<T>::lowest());
    for (int64_t kh = 0; kh < kernel[0]; ++kh) {
      const int64_t i = h * window.strides[0] - window.begin[0] + kh * window.dilations[0];
      if (i < 0 || i >= height) continue;
      for (int64_t kw = 0; kw < kernel[1]; ++kw) {
        const int64_t k = w * window.strides[1] - window.begin[1] + kw * window.dilations[1];
        if (k < 0 || k >= width) continue;
        const T* from = image + (i * width + k) * channels;
        for (int64_t c = 0; c < channels; ++c) to[c] = std::max(to[c], from[c]);
      }
    }
  }
};

std::optional<dnn::Window> read_pool(const Builder& b, const PlanNode& n) {
  const PlanValue &x = b.value(n.input(0)), &y = b.value(n.output());
  const Dims kernel = n.attrs.ints("kernel_shape");
  if (!is_byte(x.type) || x.dims.size() != 4 || kernel.size() != 2 || n.output(1) != kNoValue || !n.posts.empty() || x.count() == 0) return std::nullopt;
  return window_of(n.attrs, x.dims, y.dims, kernel);
}

int32_t match(const Builder& b, const PlanNode& n) { return read_pool(b, n) ? 50 : -1; }

template <class T>
void add(Builder& b, const PlanNode& n) {
  const Dims in = b.value(n.input(0)).dims, out = b.value(n.output()).dims;
  const Layout l = Layout::channels_last;
  MaxStep<T> s{b.read(n.input(0), l), b.write(n.output(), l), in[0], in[1], in[2], in[3], out[2], out[3], n.attrs.ints("kernel_shape"), *read_pool(b, n)};
  const SlotId x = s.x, y = s.y;
  const int threads = b.threads_for(static_cast<double>(product(out) * product(s.kernel)) * 10);
  b.step("cpu/max-pool", std::move(s), {x}, {y}, threads);
}
bool build(Builder& b, const PlanNode& n) {
  if (b.value(n.input(0)).type == dt::i8) add<int8_t>(b, n);
  else add<uint8_t>(b, n);
  return true;
}

}  // namespace

void register_byte_pool(KernelTable& t) { t.add({"cpu/max-pool", "MaxPool", match, build}); }

}  // namespace tenon::cpu
