// SPDX-License-Identifier: Apache-2.0
// integer_simd.hpp - exact integer products and their requantization, for the best instruction set of this machine. Sums wrap in 32 bits.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tenon::cpu {

/// How operands of an integer product lie in memory; each 32-bit lane holds a group of neighbours along the summed axis.
enum class IntegerForm : uint8_t {
  bytes,  ///< 4 of u8 by i8: needs an instruction whose intermediate sums do not saturate
  words   ///< 2 of i16 by i16, of magnitude 255 at most
};
inline constexpr int64_t group_of(IntegerForm f) { return f == IntegerForm::bytes ? 4 : 2; }
inline constexpr int64_t width_of(IntegerForm f) { return f == IntegerForm::bytes ? 1 : 2; }

/// Rows and columns of the largest tile; no instruction set has more.
inline constexpr int64_t kMostTileRows = 8;
inline constexpr int64_t kMostTileColumns = 32;

bool has_byte_products();
/// Columns that one vector holds, and rows of a full tile.
int64_t integer_lanes(IntegerForm f);
int64_t integer_rows(IntegerForm f);

/// Rows of the left operand lie in pieces: piece k of a row begins offsets[k] bytes behind the row's address. What is read behind a
/// piece's end, up to a whole group, meets zeros on the right side.
struct TilePieces {
  int64_t count;   ///< of pieces
  int64_t groups;  ///< of each piece
  const int64_t* offsets;
};
/// sums[r * kMostTileColumns + c] = start[r] + the product of row rows_at[r] and column c of `panel`. `rows` is 1, 2, 4 or 8 and at most
/// integer_rows(); the panel has `vectors` (1 or 2) times integer_lanes() columns: for each group of the summed axis, the groups of all columns.
void integer_tile(IntegerForm f, int64_t rows, int vectors, const TilePieces& pieces, const uint8_t* const* rows_at, const int32_t* start, const void* panel, int32_t* sums);
/// sums[r] = the sum of the bytes of row rows_at[r], whose pieces have `bytes` bytes each.
void sum_pieces(const uint8_t* const* rows_at, int64_t rows, const TilePieces& pieces, int64_t bytes, int32_t* sums);

/// to = x ^ flip.
void copy_bytes(const uint8_t* x, uint8_t flip, uint8_t* to, size_t n);
/// to = x - zero_point.
void widen_bytes(const uint8_t* x, int16_t zero_point, int16_t* to, size_t n);
void widen_bytes(const int8_t* x, int16_t zero_point, int16_t* to, size_t n);

/// Neighbouring pixels of a depthwise convolution.
struct DepthwiseRun {
  int64_t count = 1;     ///< pixels
  int64_t step = 0;      ///< from a pixel's input to the next one's
  int64_t channels = 0;
  int64_t pairs = 0;     ///< of taps
};
/// sums[p * channels + c] = over all taps t, x[t][p * step + c] * weight(t, c). Two taps share a 32-bit lane of `weights`, rows of `channels`.
void depthwise_sums(const uint8_t* const* x, const DepthwiseRun& run, const int32_t* weights, int32_t* sums);
void depthwise_sums(const int8_t* const* x, const DepthwiseRun& run, const int32_t* weights, int32_t* sums);

/// What Requantize does with x * scale: the roundings of tenon/fixed_point.hpp, of the product in f64, or (single) of the product in f32.
enum class Rounding : uint8_t { half_even, half_away, twice, twice_up, once, f32_half_even };

/// Requantization with numbers for each channel. Arrays hold a multiple of kMostTileColumns, and kMostTileColumns more.
struct Requantization {
  Rounding rounding = Rounding::half_even;
  const double* real = nullptr;         ///< half_even, half_away
  const float* single = nullptr;        ///< f32_half_even
  const int32_t* multiplier = nullptr;  ///< twice, twice_up, once
  const int32_t* left = nullptr;        ///< shifts to the left; not of once
  const int32_t* right = nullptr;       ///< shifts to the right
  int32_t low = 0, high = 0;            ///< bounds of the result
  int32_t zero_point = 0;
  bool is_signed = false;               ///< i8, else u8
};

/// A rounding after that: clamp(round(y * factor + shift) + zero_point), halves to even. The arrays are as long as Requantization's.
struct ByteAffine {
  const float *factor = nullptr, *shift = nullptr;
  int32_t low = 0, high = 0, zero_point = 0;
  bool is_signed = false;
};

/// Rows of sums for n channels, the first of which is channel `first`, and how far apart the rows of the result are.
struct RowBlock {
  const int32_t* sums;
  int64_t sums_stride;
  const int32_t* offset;  ///< of each channel, added to the sums
  int64_t first, rows, n;
  int64_t y_stride;
};
/// y = clamp(round((sums + offset) * scale) + zero_point), and where there is one the second rounding. y is i8 or u8.
void requantize_rows(const Requantization& q, const ByteAffine* second, const RowBlock& b, uint8_t* y);
/// y = (sums + offset) * scale + bias. With `one_scale`, `scale` is one number; bias may be null.
void float_rows(const RowBlock& b, const float* scale, bool one_scale, const float* bias, float* y);
/// y = sums + offset.
void offset_rows(const RowBlock& b, int32_t* y);

}  // namespace tenon::cpu
