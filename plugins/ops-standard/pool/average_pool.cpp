// SPDX-License-Identifier: Apache-2.0
// AveragePool: mean of each window. With count_include_pad the divisor counts the padding, but nothing beyond it.
#include "common/dispatch.hpp"
#include "pool/pooling.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) { node.set_out(0, node.in(0).type(), *pooled_dims(node)); }

template <class T>
void pool_plane(const Pool& pool, const T* x, T* y, bool with_padding) {
  for (int64_t o = 0; o < pool.out_size; ++o) {
    const WindowPart part = pool.part(o);
    const int64_t taps = part.taps[0] * part.taps[1] * part.taps[2], n = with_padding ? part.padded_taps : taps;
    double sum = taps == 1 && n == 1 ? -0.0 : 0.0;  // the mean of one element is that element, also when it is -0
    pool.for_taps(part, [&](int64_t i) { sum += static_cast<compute_t<T>>(x[i]); });
    y[o] = T(n > 0 ? sum / static_cast<double>(n) : 0.0);
  }
}

void run(const Node& node) {
  const Pool pool(node);
  const bool with_padding = node.i("count_include_pad") != 0;
  visit<FloatTypes>(node.in(0).type(), [&]<class T>(Tag<T>) {
    const T* x = node.in(0).data<T>();
    T* y = node.out(0).mutable_data<T>();
    node.parallel_for(pool.planes, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) pool_plane(pool, x + p * pool.in_size, y + p * pool.out_size, with_padding);
    });
  });
}

}  // namespace

TENON_OPERATOR("tenon", "AveragePool", 1, 0,
               "(X: T(float)) -> (Y: T) {kernel_shape: ints, strides?: ints, pads?: ints, dilations?: ints, ceil_mode?: int, "
               "count_include_pad?: int, auto_pad?: string}",
               infer, run);
}  // namespace tenon::ops
