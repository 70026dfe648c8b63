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
  int64_t batch, channels;
  WindowAxis rows, columns;

  void run(const Run& r) const {
    const T* in = r.at<T>(x);
    T* out = r.at<T>(y);
    parallel_for(batch * rows.out, std::max<int64_t>(1, 16384 / (columns.out * channels * rows.kernel * columns.kernel)), [&](int64_t begin, int64_t end) {
      for (int64_t l = begin; l < end; ++l)
        for (int64_t w = 0; w < columns.out; ++w) pixel(in + l / rows.out * rows.in * columns.in * channels, l % rows.out, w, out + (l * columns.out + w) * channels);
    });
  }
  void pixel(const T* image, int64_t h, int64_t w, T* to) const {
    std::fill_n(to, channels, std::numeric_limits<T>::lowest());
    const WindowTaps down = rows.taps(h), across = columns.taps(w);
    for (int64_t i = 0; i < down.count; ++i)
      for (int64_t k = 0; k < across.count; ++k) {
        const T* from = image + ((down.first + i * rows.dilation) * columns.in + across.first + k * columns.dilation) * channels;
        for (int64_t c = 0; c < channels; ++c) to[c] = std::max(to[c], from[c]);
      }
  }
};

std::optional<Window> read_pool(const Builder& b, const PlanNode& n) {
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
  const Window window = *read_pool(b, n);
  MaxStep<T> s{b.read(n.input(0), l), b.write(n.output(), l), in[0], in[1], window.axes[0], window.axes[1]};
  const SlotId x = s.x, y = s.y;
  const int threads = b.threads_for(static_cast<double>(product(out) * s.rows.kernel * s.columns.kernel) * 10);
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
