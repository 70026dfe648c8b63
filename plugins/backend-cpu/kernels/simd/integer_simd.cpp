// SPDX-License-Identifier: Apache-2.0
#include "integer_simd.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "byte_products.hpp"
#include "integer_scalar.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "integer_simd.cpp"
#include <hwy/foreach_target.h>
// clang-format keeps this order: the instruction set's loop comes before what is compiled in it
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tenon::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
void CopyBytes(const uint8_t* x, uint8_t flip, uint8_t* to, size_t n) {
  const hn::ScalableTag<uint8_t> d;
  const size_t lanes = hn::Lanes(d);
  const auto f = hn::Set(d, flip);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Xor(hn::LoadU(d, x + i), f), d, to + i);
  for (; i < n; ++i) to[i] = x[i] ^ flip;
}

template <class T>
HWY_INLINE void widen(const T* x, int16_t zero_point, int16_t* to, size_t n) {
  const hn::ScalableTag<int16_t> d;
  const hn::Rebind<T, decltype(d)> narrow;
  const size_t lanes = hn::Lanes(d);
  const auto z = hn::Set(d, zero_point);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Sub(hn::PromoteTo(d, hn::LoadU(narrow, x + i)), z), d, to + i);
  for (; i < n; ++i) to[i] = static_cast<int16_t>(x[i] - zero_point);
}
void WidenU8(const uint8_t* x, int16_t zero_point, int16_t* to, size_t n) { widen(x, zero_point, to, n); }
void WidenI8(const int8_t* x, int16_t zero_point, int16_t* to, size_t n) { widen(x, zero_point, to, n); }

void OffsetRows(const RowBlock& b, int32_t* y) {
  const int32_t *sums = b.sums, *offset = b.offset;
  const int64_t n = b.n;
  const hn::ScalableTag<int32_t> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t r = 0; r < b.rows; ++r, sums += b.sums_stride, y += b.y_stride) {
    int64_t c = 0;
    for (; c + lanes <= n; c += lanes) hn::StoreU(hn::Add(hn::LoadU(d, sums + c), hn::LoadU(d, offset + c)), d, y + c);
    for (; c < n; ++c) y[c] = static_cast<int32_t>(static_cast<uint32_t>(sums[c]) + static_cast<uint32_t>(offset[c]));
  }
}

void FloatRows(const RowBlock& b, const float* scale, bool one_scale, const float* bias, float* y) {
  const int32_t *sums = b.sums, *offset = b.offset;
  const int64_t n = b.n;
  const hn::ScalableTag<int32_t> d;
  const hn::Rebind<float, decltype(d)> df;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t r = 0; r < b.rows; ++r, sums += b.sums_stride, y += b.y_stride) {
    int64_t c = 0;
    for (; c + lanes <= n; c += lanes) {
      auto v = hn::Mul(hn::ConvertTo(df, hn::Add(hn::LoadU(d, sums + c), hn::LoadU(d, offset + c))), one_scale ? hn::Set(df, *scale) : hn::LoadU(df, scale + c));
      if (bias) v = hn::Add(v, hn::LoadU(df, bias + c));
      hn::StoreU(v, df, y + c);
    }
    for (; c < n; ++c) {
      const auto sum = static_cast<int32_t>(static_cast<uint32_t>(sums[c]) + static_cast<uint32_t>(offset[c]));
      const float v = static_cast<float>(sum) * scale[one_scale ? 0 : c];
      y[c] = bias ? v + bias[c] : v;
    }
  }
}

#if HWY_TARGET == HWY_SCALAR
void SumPieces(const uint8_t* const* rows_at, int64_t rows, const TilePieces& pieces, int64_t bytes, int32_t* sums) {
  for (int64_t r = 0; r < rows; ++r) {
    uint32_t sum = 0;
    for (int64_t k = 0; k < pieces.count; ++k) sum = std::accumulate(rows_at[r] + pieces.offsets[k], rows_at[r] + pieces.offsets[k] + bytes, sum);
    sums[r] = static_cast<int32_t>(sum);
  }
}
int64_t WordLanes() { return 1; }
int64_t WordRows() { return scalar::kRows; }
void WordTile(int64_t rows, int vectors, const TilePieces& pieces, const uint8_t* const* rows_at, const int32_t* start, const int32_t* panel, int32_t* sums) {
  scalar::word_tile(rows, vectors, pieces, rows_at, start, panel, sums);
}
void DepthwiseU8(const uint8_t* const* x, const DepthwiseRun& run, const int32_t* weights, int32_t* sums) { scalar::depthwise(x, run, weights, sums); }
void DepthwiseI8(const int8_t* const* x, const DepthwiseRun& run, const int32_t* weights, int32_t* sums) { scalar::depthwise(x, run, weights, sums); }
void RequantizeRows(const Requantization& q, const ByteAffine* second, const RowBlock& b, uint8_t* y) { scalar::requantize_rows(q, second, b, y); }
#else
// No instruction set may have more lanes than a panel has columns.
using D32 = hn::CappedTag<int32_t, 16>;
using V32 = hn::Vec<D32>;

constexpr int64_t kRows = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL ? 8 : 4;

/// a[0] * b[0] + a[1] * b[1] of each 32-bit lane's 16-bit halves.
template <class D, class V>
HWY_INLINE V pair_product(D d, V a, V b) {
  const hn::Repartition<int16_t, D> d16;
  V rest = hn::Zero(d);
  const V sum = hn::ReorderWidenMulAccumulate(d, hn::BitCast(d16, a), hn::BitCast(d16, b), hn::Zero(d), rest);
  return hn::RearrangeToOddPlusEven(sum, rest);
}

template <int R, int V>
void tile(const TilePieces& pieces, const uint8_t* const* rows_at, const int32_t* start, const int32_t* panel, int32_t* sums) {
  const D32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V32 sum[R][V];
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) sum[r][v] = hn::Set(d, start[r]);
  for (int64_t k = 0; k < pieces.count; ++k) {
    const uint8_t* a[R];
    for (int r = 0; r < R; ++r) a[r] = rows_at[r] + pieces.offsets[k];
    for (int64_t g = 0; g < pieces.groups; ++g, panel += V * lanes) {
      V32 b[V];
      for (int v = 0; v < V; ++v) b[v] = hn::Load(d, panel + v * lanes);
      for (int r = 0; r < R; ++r) {
        int32_t pair;
        std::memcpy(&pair, a[r] + g * 4, sizeof pair);
        const V32 x = hn::Set(d, pair);
        for (int v = 0; v < V; ++v) sum[r][v] = hn::Add(sum[r][v], pair_product(d, x, b[v]));
      }
    }
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) hn::StoreU(sum[r][v], d, sums + r * kMostTileColumns + v * lanes);
}

template <int V>
void tile_of(int64_t rows, const TilePieces& pieces, const uint8_t* const* rows_at, const int32_t* start, const int32_t* panel, int32_t* sums) {
  if (rows == 1) return tile<1, V>(pieces, rows_at, start, panel, sums);
  if (rows == 2) return tile<2, V>(pieces, rows_at, start, panel, sums);
  if (rows == 4) return tile<4, V>(pieces, rows_at, start, panel, sums);
  if constexpr (kRows == 8) tile<8, V>(pieces, rows_at, start, panel, sums);
}

void WordTile(int64_t rows, int vectors, const TilePieces& pieces, const uint8_t* const* rows_at, const int32_t* start, const int32_t* panel, int32_t* sums) {
  if (vectors == 1) tile_of<1>(rows, pieces, rows_at, start, panel, sums);
  else tile_of<2>(rows, pieces, rows_at, start, panel, sums);
}

int64_t WordLanes() { return static_cast<int64_t>(hn::Lanes(D32())); }
int64_t WordRows() { return kRows; }

HWY_INLINE uint32_t sum_of_bytes(const uint8_t* x, int64_t n) {
  const hn::ScalableTag<uint8_t> d;
  const hn::Repartition<uint64_t, decltype(d)> d64;
  const hn::FixedTag<uint8_t, 8> d8;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  uint32_t rest = 0;
  int64_t i = 0;
  if (n >= lanes) {
    auto sum = hn::Zero(d64);
    for (; i + lanes <= n; i += lanes) sum = hn::Add(sum, hn::SumsOf8(hn::LoadU(d, x + i)));
    rest = static_cast<uint32_t>(hn::GetLane(hn::SumOfLanes(d64, sum)));
  }
  for (; i + 8 <= n; i += 8) rest += static_cast<uint32_t>(hn::GetLane(hn::SumsOf8(hn::LoadU(d8, x + i))));
  return std::accumulate(x + i, x + n, rest);
}
void SumPieces(const uint8_t* const* rows_at, int64_t rows, const TilePieces& pieces, int64_t bytes, int32_t* sums) {
  for (int64_t r = 0; r < rows; ++r) {
    uint32_t sum = 0;
    for (int64_t k = 0; k < pieces.count; ++k) sum += sum_of_bytes(rows_at[r] + pieces.offsets[k], bytes);
    sums[r] = static_cast<int32_t>(sum);
  }
}

/// N neighbouring vectors of channels of `count` pixels. Pairs: of taps, when that is known; else 0.
template <int N, int Pairs, class D, class T>
HWY_INLINE void depthwise_block(D d, const T* const* x, int64_t c, const DepthwiseRun& run, const int32_t* weights, int32_t* sums) {
  using V = hn::Vec<D>;
  const hn::Rebind<T, D> narrow;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), pairs = Pairs ? Pairs : run.pairs;
  const auto low_half = hn::Set(d, 0xFFFF);
  for (int64_t p = 0; p < run.count; ++p) {
    const int64_t at = p * run.step + c;
    V sum[N];
    for (int k = 0; k < N; ++k) sum[k] = hn::Zero(d);
    for (int64_t t = 0; t < pairs; ++t) {
      const T *first = x[2 * t] + at, *second = x[2 * t + 1] + at;
      for (int k = 0; k < N; ++k) {
        const V a = hn::PromoteTo(d, hn::LoadU(narrow, first + k * lanes)), b = hn::PromoteTo(d, hn::LoadU(narrow, second + k * lanes));
        const V pair = hn::Or(hn::And(a, low_half), hn::ShiftLeft<16>(b));
        sum[k] = hn::Add(sum[k], pair_product(d, pair, hn::LoadU(d, weights + t * run.channels + c + k * lanes)));
      }
    }
    for (int k = 0; k < N; ++k) hn::StoreU(sum[k], d, sums + p * run.channels + c + k * lanes);
  }
}

template <int Pairs, class D, class T>
HWY_INLINE void depthwise_vectors(D d, const T* const* x, const DepthwiseRun& run, const int32_t* weights, int32_t* sums) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t c = 0;
  for (; c + 2 * lanes <= run.channels; c += 2 * lanes) depthwise_block<2, Pairs>(d, x, c, run, weights, sums);
  // The last vectors may overlap what is done already.
  for (; c < run.channels; c += lanes) depthwise_block<1, Pairs>(d, x, std::min(c, run.channels - lanes), run, weights, sums);
}

template <class D, class T>
HWY_INLINE void depthwise_with(D d, const T* const* x, const DepthwiseRun& run, const int32_t* weights, int32_t* sums) {
  if (run.pairs == 5) return depthwise_vectors<5>(d, x, run, weights, sums);
  depthwise_vectors<0>(d, x, run, weights, sums);
}

template <class T>
HWY_INLINE void depthwise(const T* const* x, const DepthwiseRun& run, const int32_t* weights, int32_t* sums) {
  if (run.channels < 4) return scalar::depthwise(x, run, weights, sums);
  if (run.channels < 8) return depthwise_with(hn::CappedTag<int32_t, 4>(), x, run, weights, sums);
  if (run.channels < 16) return depthwise_with(hn::CappedTag<int32_t, 8>(), x, run, weights, sums);
  depthwise_with(D32(), x, run, weights, sums);
}
void DepthwiseU8(const uint8_t* const* x, const DepthwiseRun& run, const int32_t* weights, int32_t* sums) { depthwise(x, run, weights, sums); }
void DepthwiseI8(const int8_t* const* x, const DepthwiseRun& run, const int32_t* weights, int32_t* sums) { depthwise(x, run, weights, sums); }

using D64 = hn::Repartition<int64_t, D32>;
using DF64 = hn::Repartition<double, D32>;
using DF32 = hn::Repartition<float, D32>;
using V64 = hn::Vec<D64>;
using VF32 = hn::Vec<DF32>;
using VF64 = hn::Vec<DF64>;

/// Adding 1.5 * 2^23 (2^52) to a float of magnitude below 2^22 (2^51) leaves its nearest integer, halves to even, in the lowest bits.
constexpr float kRound32 = 12582912.0f;
constexpr double kRound64 = 6755399441055744.0;
constexpr int32_t kRound32Bits = 0x4B400000;

HWY_INLINE V32 odd_lanes(V32 v) { return hn::BitCast(D32(), hn::ShiftRight<32>(hn::BitCast(D64(), v))); }

/// Each rounding for one vector of channels: what does not depend on the rows, and the scaling, which ends within the bounds.
struct Bounds {
  V32 low, high;  ///< less the zero point
  V32 zero;
};
HWY_INLINE Bounds bounds_of(const Requantization& q) {
  const D32 d;
  return {hn::Set(d, q.low - q.zero_point), hn::Set(d, q.high - q.zero_point), hn::Set(d, q.zero_point)};
}
/// Clamped, with the zero point.
HWY_INLINE V32 finish(V32 v, const Bounds& b) { return hn::Add(hn::Min(hn::Max(v, b.low), b.high), b.zero); }

class SingleScale {
  VF32 scale_, low_, high_;
  V32 bits_;

 public:
  HWY_INLINE SingleScale(const Requantization& q, int64_t c)
      : scale_(hn::LoadU(DF32(), q.single + c)), low_(hn::Set(DF32(), static_cast<float>(q.low - q.zero_point))), high_(hn::Set(DF32(), static_cast<float>(q.high - q.zero_point))),
        bits_(hn::Set(D32(), kRound32Bits - q.zero_point)) {}
  HWY_INLINE V32 operator()(V32 v) const {
    const DF32 df;
    const VF32 y = hn::Min(hn::Max(hn::Mul(hn::ConvertTo(df, v), scale_), low_), high_);
    return hn::Sub(hn::BitCast(D32(), hn::Add(y, hn::Set(df, kRound32))), bits_);
  }
};

template <bool Even>
class RealScale {
  VF64 first_, second_, low_, high_;
  V32 zero_;

  HWY_INLINE VF64 bounded(VF64 y) const { return hn::Min(hn::Max(y, low_), high_); }
  /// Rounded, in the lowest bits.
  HWY_INLINE V32 rounded(VF64 y) const {
    const DF64 df;
    if constexpr (!Even) {
      const VF64 whole = hn::Trunc(y), step = hn::CopySign(hn::Set(df, 1.0), y);
      y = hn::IfThenElse(hn::Ge(hn::Abs(hn::Sub(y, whole)), hn::Set(df, 0.5)), hn::Add(whole, step), whole);
    }
    return hn::BitCast(D32(), hn::Add(bounded(y), hn::Set(df, kRound64)));
  }

 public:
  HWY_INLINE RealScale(const Requantization& q, int64_t c)
      : first_(hn::LoadU(DF64(), q.real + c)), second_(hn::LoadU(DF64(), q.real + c + static_cast<int64_t>(hn::Lanes(DF64())))),
        low_(hn::Set(DF64(), static_cast<double>(q.low - q.zero_point))), high_(hn::Set(DF64(), static_cast<double>(q.high - q.zero_point))), zero_(hn::Set(D32(), q.zero_point)) {}
  HWY_INLINE V32 operator()(V32 v) const {
    const DF64 df;
    const hn::Half<D32> half;
    const V32 a = rounded(hn::Mul(hn::PromoteTo(df, hn::LowerHalf(half, v)), first_)), b = rounded(hn::Mul(hn::PromoteTo(df, hn::UpperHalf(half, v)), second_));
    return hn::Add(hn::ConcatEven(D32(), b, a), zero_);
  }
};

/// v * 2^shift, saturated.
HWY_INLINE V32 saturating_shift(V32 v, V32 shift) {
  const D32 d;
  const V32 shifted = hn::Shl(v, shift), limit = hn::Xor(hn::BroadcastSignBit(v), hn::Set(d, INT32_MAX));
  return hn::IfThenElse(hn::Eq(hn::Shr(shifted, shift), v), shifted, limit);
}

template <bool Up>
class TwiceScale {
  V32 multiplier_, odd_multiplier_, left_, right_, point_;  ///< point: the bit below the point (up), or half of the divisor less one
  Bounds bounds_;
  bool shifts_left_;

  /// High half of 2 * v * multiplier, halves away from zero: floor((p + 2^30) / 2^31) is that for products of either sign.
  HWY_INLINE V32 doubling_high(V32 v) const {
    const D32 d;
    const V64 nudge = hn::Set(D64(), int64_t{1} << 30);
    const V64 even = hn::Add(hn::MulEven(v, multiplier_), nudge), odd = hn::Add(hn::MulEven(odd_lanes(v), odd_multiplier_), nudge);
    return hn::OddEven(hn::BitCast(d, hn::ShiftLeft<1>(odd)), hn::BitCast(d, hn::ShiftRight<31>(even)));
  }

 public:
  HWY_INLINE TwiceScale(const Requantization& q, int64_t c)
      : multiplier_(hn::LoadU(D32(), q.multiplier + c)), odd_multiplier_(odd_lanes(multiplier_)), left_(hn::LoadU(D32(), q.left + c)), right_(hn::LoadU(D32(), q.right + c)),
        bounds_(bounds_of(q)), shifts_left_(!hn::AllTrue(D32(), hn::Eq(left_, hn::Zero(D32())))) {
    const hn::RebindToUnsigned<D32> du;
    const V32 power = hn::Shl(hn::Set(D32(), 1), right_);
    point_ = hn::BitCast(D32(), hn::ShiftRight<1>(hn::BitCast(du, Up ? power : hn::Sub(power, hn::Set(D32(), 1)))));
  }
  HWY_INLINE V32 operator()(V32 v) const {
    const D32 d;
    if (shifts_left_) v = saturating_shift(v, left_);
    v = doubling_high(v);
    const V32 quotient = hn::Shr(v, right_);
    if constexpr (Up) {
      const auto none = hn::Eq(hn::And(v, point_), hn::Zero(d));
      return finish(hn::Add(quotient, hn::IfThenZeroElse(none, hn::Set(d, 1))), bounds_);
    }
    const V32 rest = hn::Sub(v, hn::Shl(quotient, right_)), threshold = hn::Sub(point_, hn::BroadcastSignBit(v));
    return finish(hn::Sub(quotient, hn::VecFromMask(d, hn::Gt(rest, threshold))), bounds_);
  }
};

class OnceScale {
  V32 multiplier_, odd_multiplier_;
  V64 shift_, odd_shift_, half_, odd_half_, low_, high_;
  V32 zero_;

  HWY_INLINE V32 rounded(V32 v, V32 m, V64 half, V64 shift) const {
    return hn::BitCast(D32(), hn::Min(hn::Max(hn::Shr(hn::Add(hn::MulEven(v, m), half), shift), low_), high_));
  }

 public:
  HWY_INLINE OnceScale(const Requantization& q, int64_t c)
      : multiplier_(hn::LoadU(D32(), q.multiplier + c)), odd_multiplier_(odd_lanes(multiplier_)), zero_(hn::Set(D32(), q.zero_point)) {
    const D64 d64;
    const V32 s = hn::LoadU(D32(), q.right + c);
    const V64 one = hn::Set(d64, 1);
    shift_ = hn::And(hn::BitCast(d64, s), hn::Set(d64, 0xFFFFFFFF));
    odd_shift_ = hn::BitCast(d64, odd_lanes(s));
    half_ = hn::Shl(one, hn::Sub(shift_, one));
    odd_half_ = hn::Shl(one, hn::Sub(odd_shift_, one));
    low_ = hn::Set(d64, int64_t{q.low - q.zero_point});
    high_ = hn::Set(d64, int64_t{q.high - q.zero_point});
  }
  HWY_INLINE V32 operator()(V32 v) const {
    const V32 even = rounded(v, multiplier_, half_, shift_), odd = rounded(odd_lanes(v), odd_multiplier_, odd_half_, odd_shift_);
    return hn::Add(hn::OddEven(hn::BitCast(D32(), hn::ShiftLeft<32>(hn::BitCast(D64(), odd))), even), zero_);
  }
};

/// The second rounding of one vector of channels.
class Affine {
  VF32 factor_, shift_, low_, high_;
  V32 bits_;

 public:
  HWY_INLINE Affine(const ByteAffine& a, int64_t c)
      : factor_(hn::LoadU(DF32(), a.factor + c)), shift_(hn::LoadU(DF32(), a.shift + c)), low_(hn::Set(DF32(), static_cast<float>(a.low - a.zero_point))),
        high_(hn::Set(DF32(), static_cast<float>(a.high - a.zero_point))), bits_(hn::Set(D32(), kRound32Bits - a.zero_point)) {}
  HWY_INLINE V32 operator()(V32 v) const {
    const DF32 df;
    const VF32 y = hn::Min(hn::Max(hn::MulAdd(hn::ConvertTo(df, v), factor_, shift_), low_), high_);
    return hn::Sub(hn::BitCast(D32(), hn::Add(y, hn::Set(df, kRound32))), bits_);
  }
};

struct NoSecond {
  HWY_INLINE V32 operator()(V32 v) const { return v; }
};

/// Rows of one vector of channels.
template <class Scale, class Second>
HWY_INLINE void requantize_columns(const Scale& scale, const Second& second, const RowBlock& b, int64_t c, uint8_t* HWY_RESTRICT y) {
  const D32 d;
  const hn::RebindToUnsigned<D32> du;
  const hn::Rebind<uint8_t, D32> narrow;
  const V32 offset = hn::LoadU(d, b.offset + c);
  const int32_t* HWY_RESTRICT sums = b.sums + c;
  const int64_t rows = b.rows, from = b.sums_stride, to = b.y_stride;
  y += c;
  for (int64_t r = 0; r < rows; ++r) {
    const V32 v = second(scale(hn::Add(hn::LoadU(d, sums + r * from), offset)));
    hn::StoreU(hn::TruncateTo(narrow, hn::BitCast(du, v)), narrow, y + r * to);
  }
}

/// The last channels, fewer than a vector: through a copy.
template <class Scale, class Second>
HWY_INLINE void requantize_rest(const Scale& scale, const Second& second, const RowBlock& b, int64_t c, uint8_t* y) {
  HWY_ALIGN int32_t sums[16] = {};
  HWY_ALIGN int32_t offset[16] = {};
  HWY_ALIGN uint8_t out[16];
  const auto n = static_cast<size_t>(b.n - c);
  std::memcpy(offset, b.offset + c, n * sizeof(int32_t));
  for (int64_t r = 0; r < b.rows; ++r) {
    std::memcpy(sums, b.sums + r * b.sums_stride + c, n * sizeof(int32_t));
    requantize_columns(scale, second, RowBlock{sums, 0, offset, 0, 1, 0, 0}, 0, out);
    std::memcpy(y + r * b.y_stride + c, out, n);
  }
}

template <class Scale>
void requantize_block(const Requantization& q, const ByteAffine* second, const RowBlock& b, uint8_t* y) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(D32()));
  for (int64_t c = 0; c < b.n; c += lanes) {
    const Scale scale(q, b.first + c);
    auto rows = [&](const auto& last) {
      if (c + lanes <= b.n) requantize_columns(scale, last, b, c, y);
      else requantize_rest(scale, last, b, c, y);
    };
    if (second) rows(Affine(*second, b.first + c));
    else rows(NoSecond());
  }
}

void RequantizeRows(const Requantization& q, const ByteAffine* second, const RowBlock& b, uint8_t* y) {
  switch (q.rounding) {
    case Rounding::half_even: return requantize_block<RealScale<true>>(q, second, b, y);
    case Rounding::half_away: return requantize_block<RealScale<false>>(q, second, b, y);
    case Rounding::twice: return requantize_block<TwiceScale<false>>(q, second, b, y);
    case Rounding::twice_up: return requantize_block<TwiceScale<true>>(q, second, b, y);
    case Rounding::once: return requantize_block<OnceScale>(q, second, b, y);
    case Rounding::f32_half_even: return requantize_block<SingleScale>(q, second, b, y);
  }
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace tenon::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tenon::cpu {
HWY_EXPORT(WordTile);
HWY_EXPORT(WordLanes);
HWY_EXPORT(WordRows);
HWY_EXPORT(CopyBytes);
HWY_EXPORT(SumPieces);
HWY_EXPORT(WidenU8);
HWY_EXPORT(WidenI8);
HWY_EXPORT(DepthwiseU8);
HWY_EXPORT(DepthwiseI8);
HWY_EXPORT(RequantizeRows);
HWY_EXPORT(OffsetRows);
HWY_EXPORT(FloatRows);

int64_t integer_lanes(IntegerForm f) { return f == IntegerForm::bytes ? kByteLanes : HWY_DYNAMIC_DISPATCH(WordLanes)(); }
int64_t integer_rows(IntegerForm f) { return f == IntegerForm::bytes ? kByteRows : HWY_DYNAMIC_DISPATCH(WordRows)(); }
void integer_tile(IntegerForm f, int64_t rows, int vectors, const TilePieces& pieces, const uint8_t* const* rows_at, const int32_t* start, const void* panel, int32_t* sums) {
  if (f == IntegerForm::bytes) return byte_tile(rows, vectors, pieces, rows_at, start, panel, sums);
  HWY_DYNAMIC_DISPATCH(WordTile)(rows, vectors, pieces, rows_at, start, static_cast<const int32_t*>(panel), sums);
}
void sum_pieces(const uint8_t* const* rows_at, int64_t rows, const TilePieces& pieces, int64_t bytes, int32_t* sums) {
  HWY_DYNAMIC_DISPATCH(SumPieces)(rows_at, rows, pieces, bytes, sums);
}
void copy_bytes(const uint8_t* x, uint8_t flip, uint8_t* to, size_t n) { HWY_DYNAMIC_DISPATCH(CopyBytes)(x, flip, to, n); }
void widen_bytes(const uint8_t* x, int16_t zero_point, int16_t* to, size_t n) { HWY_DYNAMIC_DISPATCH(WidenU8)(x, zero_point, to, n); }
void widen_bytes(const int8_t* x, int16_t zero_point, int16_t* to, size_t n) { HWY_DYNAMIC_DISPATCH(WidenI8)(x, zero_point, to, n); }
void depthwise_sums(const uint8_t* const* x, const DepthwiseRun& run, const int32_t* weights, int32_t* sums) { HWY_DYNAMIC_DISPATCH(DepthwiseU8)(x, run, weights, sums); }
void depthwise_sums(const int8_t* const* x, const DepthwiseRun& run, const int32_t* weights, int32_t* sums) { HWY_DYNAMIC_DISPATCH(DepthwiseI8)(x, run, weights, sums); }
void requantize_rows(const Requantization& q, const ByteAffine* second, const RowBlock& b, uint8_t* y) { HWY_DYNAMIC_DISPATCH(RequantizeRows)(q, second, b, y); }
void offset_rows(const RowBlock& b, int32_t* y) { HWY_DYNAMIC_DISPATCH(OffsetRows)(b, y); }
void float_rows(const RowBlock& b, const float* scale, bool one_scale, const float* bias, float* y) { HWY_DYNAMIC_DISPATCH(FloatRows)(b, scale, one_scale, bias, y); }
}  // namespace tenon::cpu
#endif
