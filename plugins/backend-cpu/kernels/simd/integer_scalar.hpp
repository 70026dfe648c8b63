// SPDX-License-Identifier: Apache-2.0
// integer_scalar.hpp - the integer kernels for machines without a vector unit that Highway knows: one lane.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>
#include <tenon/fixed_point.hpp>

#include "integer_simd.hpp"

namespace tenon::cpu::scalar {

inline constexpr int64_t kRows = 4;

/// Both 16-bit halves of `pair` times those of `w`.
inline uint32_t pair_product(int32_t pair, int32_t w) {
  return static_cast<uint32_t>(int32_t{static_cast<int16_t>(pair)} * static_cast<int16_t>(w)) + static_cast<uint32_t>((pair >> 16) * (w >> 16));
}

inline void word_tile(int64_t rows, int vectors, const TilePieces& pieces, const uint8_t* const* rows_at, const int32_t* start, const int32_t* panel, int32_t* sums) {
  for (int64_t r = 0; r < rows; ++r)
    for (int v = 0; v < vectors; ++v) {
      auto sum = static_cast<uint32_t>(start[r]);
      for (int64_t k = 0; k < pieces.count; ++k)
        for (int64_t g = 0; g < pieces.groups; ++g) {
          int32_t pair;
          std::memcpy(&pair, rows_at[r] + pieces.offsets[k] + g * 4, sizeof pair);
          sum += pair_product(pair, panel[(k * pieces.groups + g) * vectors + v]);
        }
      sums[r * kMostTileColumns + v] = static_cast<int32_t>(sum);
    }
}

template <class T>
void depthwise(const T* const* x, const DepthwiseRun& run, const int32_t* weights, int32_t* sums) {
  for (int64_t p = 0; p < run.count; ++p)
    for (int64_t c = 0; c < run.channels; ++c) {
      uint32_t sum = 0;
      for (int64_t t = 0; t < run.pairs; ++t) {
        const uint32_t pair = (static_cast<uint32_t>(x[2 * t][p * run.step + c]) & 0xFFFF) | static_cast<uint32_t>(x[2 * t + 1][p * run.step + c]) << 16;
        sum += pair_product(static_cast<int32_t>(pair), weights[t * run.channels + c]);
      }
      sums[p * run.channels + c] = static_cast<int32_t>(sum);
    }
}

inline int64_t scaled(const Requantization& q, int32_t v, int64_t c) {
  auto bounded = [](double y) { return static_cast<int64_t>(std::clamp(y, -0x1p40, 0x1p40)); };
  auto fixed = [&] { return FixedScale{q.multiplier[c], q.rounding == Rounding::once ? 31 - q.right[c] : q.left[c] - q.right[c]}; };
  switch (q.rounding) {
    case Rounding::half_even: return bounded(std::nearbyint(v * q.real[c]));
    case Rounding::half_away: return bounded(std::round(v * q.real[c]));
    case Rounding::f32_half_even: return bounded(std::nearbyint(static_cast<float>(v) * q.single[c]));
    case Rounding::twice: return multiply_rounding_twice(v, fixed());
    case Rounding::twice_up: return multiply_rounding_twice_up(v, fixed());
    case Rounding::once: return multiply_rounding_once(v, fixed());
  }
  return 0;
}

inline int32_t affine(const ByteAffine& a, int32_t y, int64_t c) {
  const float v = std::clamp(static_cast<float>(y) * a.factor[c] + a.shift[c], static_cast<float>(a.low - a.zero_point), static_cast<float>(a.high - a.zero_point));
  return static_cast<int32_t>(std::nearbyint(v)) + a.zero_point;
}

inline void requantize_rows(const Requantization& q, const ByteAffine* second, const RowBlock& b, uint8_t* y) {
  for (int64_t r = 0; r < b.rows; ++r)
    for (int64_t c = 0; c < b.n; ++c) {
      const auto sum = static_cast<int32_t>(static_cast<uint32_t>(b.sums[r * b.sums_stride + c]) + static_cast<uint32_t>(b.offset[c]));
      auto v = static_cast<int32_t>(std::clamp<int64_t>(scaled(q, sum, b.first + c) + q.zero_point, q.low, q.high));
      if (second) v = affine(*second, v, b.first + c);
      y[r * b.y_stride + c] = static_cast<uint8_t>(v);
    }
}

}  // namespace tenon::cpu::scalar
