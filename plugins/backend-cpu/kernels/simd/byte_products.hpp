// SPDX-License-Identifier: Apache-2.0
// byte_products.hpp - sums of four u8 by i8 products at a time. AVX2's instruction for it saturates between; that of AVX-512 VNNI does not.
#pragma once
#include <cstdint>

#include "integer_simd.hpp"

namespace tenon::cpu {

inline constexpr int64_t kByteLanes = 16;
inline constexpr int64_t kByteRows = 8;

/// Only where has_byte_products(); see integer_tile.
void byte_tile(int64_t rows, int vectors, const TilePieces& pieces, const uint8_t* const* rows_at, const int32_t* start, const void* panel, int32_t* sums);

}  // namespace tenon::cpu
