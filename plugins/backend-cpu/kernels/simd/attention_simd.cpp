// SPDX-License-Identifier: Apache-2.0
#include "attention_simd.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "elementwise_simd.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention_simd.cpp"
#include <hwy/foreach_target.h>
// clang-format keeps this order: the instruction set's loop comes before what is compiled in it
#include <hwy/highway.h>

#include "math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tenon::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, kKeyLanes>;
using V = hn::Vec<D>;

constexpr int64_t kRows = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL ? 8 : 4;

void transpose_plain(const float* keys, int64_t step, int64_t count, int64_t size, float* panel, int64_t stride) {
  for (int64_t j = 0; j < count; ++j)
    for (int64_t d = 0; d < size; ++d) panel[d * stride + j] = keys[j * step + d];
}

#if HWY_TARGET == HWY_SCALAR
void TransposeKeys(const float* keys, int64_t step, int64_t count, int64_t size, float* panel, int64_t stride) {
  transpose_plain(keys, step, count, size, panel, stride);
}
#else
/// Four by four elements in registers.
HWY_INLINE void transpose_four(const float* from, int64_t step, float* to, int64_t stride) {
  const hn::FixedTag<float, 4> d;
  const hn::FixedTag<double, 2> pairs;
  const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + step), c = hn::LoadU(d, from + 2 * step), e = hn::LoadU(d, from + 3 * step);
  const auto ab_low = hn::BitCast(pairs, hn::InterleaveLower(d, a, b)), ab_high = hn::BitCast(pairs, hn::InterleaveUpper(d, a, b));
  const auto ce_low = hn::BitCast(pairs, hn::InterleaveLower(d, c, e)), ce_high = hn::BitCast(pairs, hn::InterleaveUpper(d, c, e));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab_low, ce_low)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab_low, ce_low)), d, to + stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab_high, ce_high)), d, to + 2 * stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab_high, ce_high)), d, to + 3 * stride);
}
void TransposeKeys(const float* keys, int64_t step, int64_t count, int64_t size, float* panel, int64_t stride) {
  const int64_t whole = count / 4 * 4, even = size / 4 * 4;
  for (int64_t j = 0; j < whole; j += 4) {
    for (int64_t d = 0; d < even; d += 4) transpose_four(keys + j * step + d, step, panel + d * stride + j, stride);
    transpose_plain(keys + j * step + even, step, 4, size - even, panel + even * stride + j, stride);
  }
  transpose_plain(keys + whole * step, step, count - whole, size, panel + whole, stride);
}
#endif

/// R rows by N vectors; with `part`, the last vector has that many elements.
template <int R, int N>
HWY_INLINE void tile(const SmallProduct& p, const float* a, const float* b, float* c, size_t part) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto in = hn::FirstN(d, part);
  V sum[R][N];
  for (int r = 0; r < R; ++r)
    for (int n = 0; n < N; ++n) sum[r][n] = hn::Zero(d);
  for (int64_t k = 0; k < p.depth; ++k, b += p.b_stride) {
    V w[N];
    for (int n = 0; n < N; ++n) w[n] = part && n == N - 1 ? hn::MaskedLoad(in, d, b + n * lanes) : hn::LoadU(d, b + n * lanes);
    for (int r = 0; r < R; ++r) {
      const V x = hn::Set(d, a[r * p.a_stride + k]);
      for (int n = 0; n < N; ++n) sum[r][n] = hn::MulAdd(x, w[n], sum[r][n]);
    }
  }
  for (int r = 0; r < R; ++r)
    for (int n = 0; n < N; ++n) {
      float* to = c + r * p.c_stride + n * lanes;
      if (part && n == N - 1) hn::BlendedStore(sum[r][n], in, d, to);
      else hn::StoreU(sum[r][n], d, to);
    }
}

template <int R>
HWY_INLINE void row_of_tiles(const SmallProduct& p, const float* a, const float* b, float* c) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(D()));
  int64_t j = 0;
  for (; j + 2 * lanes <= p.columns; j += 2 * lanes) tile<R, 2>(p, a, b + j, c + j, 0);
  for (; j + lanes <= p.columns; j += lanes) tile<R, 1>(p, a, b + j, c + j, 0);
  if (j < p.columns) tile<R, 1>(p, a, b + j, c + j, static_cast<size_t>(p.columns - j));
}

void Product(const SmallProduct& p, const float* a, const float* b, float* c) {
  int64_t r = 0;
  for (; r + kRows <= p.rows; r += kRows) row_of_tiles<kRows>(p, a + r * p.a_stride, b, c + r * p.c_stride);
  for (; r + 2 <= p.rows; r += 2) row_of_tiles<2>(p, a + r * p.a_stride, b, c + r * p.c_stride);
  if (r < p.rows) row_of_tiles<1>(p, a + r * p.a_stride, b, c + r * p.c_stride);
}

void KeyProducts(const float* q, const float* keys, int64_t step, int64_t count, int64_t size, float* out) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), whole = size / lanes * lanes;
  for (int64_t j = 0; j < count; ++j, keys += step) {
    V sum = hn::Zero(d);
    for (int64_t k = 0; k < whole; k += lanes) sum = hn::MulAdd(hn::LoadU(d, q + k), hn::LoadU(d, keys + k), sum);
    float rest = hn::GetLane(hn::SumOfLanes(d, sum));
    for (int64_t k = whole; k < size; ++k) rest += q[k] * keys[k];
    out[j] = rest;
  }
}

/// s = f(s, index of its first element) over n elements; the last vector may reach beyond n within `in`.
template <class F>
HWY_INLINE void each_vector(float* s, size_t n, F&& f) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, s + i), i, lanes), d, s + i);
  if (i < n) {
    const auto in = hn::FirstN(d, n - i);
    hn::BlendedStore(f(hn::MaskedLoad(in, d, s + i), i, n - i), in, d, s + i);
  }
}

void Prepare(float* s, size_t n, float scale, float cap, const float* mask) {
  const D d;
  const V factor = hn::Set(d, cap != 0 ? scale / cap : scale), top = hn::Set(d, cap);
  each_vector(s, n, [&](V v, size_t i, size_t count) {
    v = hn::Mul(v, factor);
    if (cap != 0) v = hn::Mul(tanh(d, v), top);
    if (!mask) return v;
    return hn::Add(v, count == hn::Lanes(d) ? hn::LoadU(d, mask + i) : hn::MaskedLoad(hn::FirstN(d, count), d, mask + i));
  });
}

void ScaleRow(float* x, size_t n, float factor) {
  const D d;
  const V f = hn::Set(d, factor);
  each_vector(x, n, [&](V v, size_t, size_t) { return hn::Mul(v, f); });
}

}  // namespace HWY_NAMESPACE
}  // namespace tenon::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tenon::cpu {
HWY_EXPORT(TransposeKeys);
HWY_EXPORT(Product);
HWY_EXPORT(KeyProducts);
HWY_EXPORT(Prepare);
HWY_EXPORT(ScaleRow);

void transpose_keys(const float* keys, int64_t step, int64_t count, int64_t size, float* panel, int64_t stride) {
  HWY_DYNAMIC_DISPATCH(TransposeKeys)(keys, step, count, size, panel, stride);
}
void small_product(const SmallProduct& p, const float* a, const float* b, float* c) { HWY_DYNAMIC_DISPATCH(Product)(p, a, b, c); }
void key_products(const float* q, const float* keys, int64_t step, int64_t count, int64_t size, float* out) {
  HWY_DYNAMIC_DISPATCH(KeyProducts)(q, keys, step, count, size, out);
}
void scale_row(float* x, size_t n, float factor) { HWY_DYNAMIC_DISPATCH(ScaleRow)(x, n, factor); }

float softmax_scores(float* s, size_t n, float scale, float cap, const float* mask, const uint8_t* allowed) {
  HWY_DYNAMIC_DISPATCH(Prepare)(s, n, scale, cap, mask);
  if (allowed)
    for (size_t j = 0; j < n; ++j)
      if (!allowed[j]) s[j] = -std::numeric_limits<float>::infinity();
  const float top = n ? max_of(s, n) : -std::numeric_limits<float>::infinity();
  if (top == -std::numeric_limits<float>::infinity()) {
    std::fill(s, s + n, 0.0f);
    return 0;
  }
  return 1 / exp_sum(s, top, s, n);
}
}  // namespace tenon::cpu
#endif
