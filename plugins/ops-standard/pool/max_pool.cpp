// SPDX-License-Identifier: Apache-2.0
// MaxPool: largest element of each window and, on demand, its position in the whole input. Padding never wins; NaN does.
#include "common/dispatch.hpp"
#include "pool/pooling.hpp"

namespace tenon::ops {
namespace {

using PoolTypes = Join<NumericTypes, MiniFloatTypes>;

void infer(const Node& node) {
  const auto y = pooled_dims(node);
  node.set_out(0, node.in(0).type(), *y);
  node.set_out(1, dt::i64, *y);
}

/// Position in the plane when its axes count in the opposite order.
int64_t column_major(const Pool& pool, int64_t at) {
  const auto& a = pool.axes;
  const int64_t i2 = at % a[2].in, i1 = at / a[2].in % a[1].in, i0 = at / (a[2].in * a[1].in);
  return i0 + a[0].in * (i1 + a[1].in * i2);
}

template <class T>
void pool_plane(const Pool& pool, const T* x, T* y, int64_t* index, int64_t base, bool by_column) {
  using C = compute_t<T>;
  for (int64_t o = 0; o < pool.out_size; ++o) {
    int64_t best = -1;
    C largest{};
    pool.for_taps(pool.part(o), [&](int64_t i) {
      const C v = static_cast<C>(x[i]);
      if (best >= 0 && (!(v > largest || v != v) || largest != largest)) return;
      best = i;
      largest = v;
    });
    constexpr bool has_infinity = is_real<T>;
    if (best >= 0) y[o] = x[best];
    else if constexpr (has_infinity) y[o] = T(-std::numeric_limits<C>::infinity());
    else y[o] = std::numeric_limits<T>::lowest();
    if (index) index[o] = best < 0 ? -1 : base + (by_column ? column_major(pool, best) : best);
  }
}

void run(const Node& node) {
  const Pool pool(node);
  const bool by_column = node.i("storage_order") != 0;
  int64_t* index = node.has_out(1) ? node.out(1).mutable_data<int64_t>() : nullptr;
  visit<PoolTypes>(node.in(0).type(), [&]<class T>(Tag<T>) {
    const T* x = node.in(0).data<T>();
    std::vector<T> unwanted(node.has_out(0) ? 0 : static_cast<size_t>(pool.planes * pool.out_size));
    T* y = node.has_out(0) ? node.out(0).mutable_data<T>() : unwanted.data();
    node.parallel_for(pool.planes, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p)
        pool_plane(pool, x + p * pool.in_size, y + p * pool.out_size, index ? index + p * pool.out_size : nullptr, p * pool.in_size, by_column);
    });
  });
}

}  // namespace

TENON_OPERATOR("tenon", "MaxPool", 1, 0,
               "(X: T(num)) -> (Y: T, Indices?: i64) {kernel_shape: ints, strides?: ints, pads?: ints, dilations?: ints, ceil_mode?: int, "
               "storage_order?: int, auto_pad?: string}",
               infer, run);
}  // namespace tenon::ops
