// SPDX-License-Identifier: Apache-2.0
#include "byte_products.hpp"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#define TENON_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#endif

namespace tenon::cpu {
#if defined(__x86_64__)
namespace {

template <int R, int V>
TENON_VNNI void tile(const TilePieces& pieces, const uint8_t* const* rows_at, const int32_t* start, const char* panel, int32_t* sums) {
  __m512i sum[R][V];
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) sum[r][v] = _mm512_set1_epi32(start[r]);
  for (int64_t k = 0; k < pieces.count; ++k) {
    const uint8_t* a[R];
    for (int r = 0; r < R; ++r) a[r] = rows_at[r] + pieces.offsets[k];
    for (int64_t g = 0; g < pieces.groups; ++g, panel += V * 64) {
      __m512i b[V];
      for (int v = 0; v < V; ++v) b[v] = _mm512_load_si512(panel + v * 64);
      for (int r = 0; r < R; ++r) {
        int32_t four;
        std::memcpy(&four, a[r] + g * 4, sizeof four);
        const __m512i x = _mm512_set1_epi32(four);
        for (int v = 0; v < V; ++v) sum[r][v] = _mm512_dpbusd_epi32(sum[r][v], x, b[v]);
      }
    }
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) _mm512_storeu_si512(sums + r * kMostTileColumns + v * kByteLanes, sum[r][v]);
}

template <int V>
TENON_VNNI void tile_of(int64_t rows, const TilePieces& pieces, const uint8_t* const* rows_at, const int32_t* start, const char* panel, int32_t* sums) {
  if (rows == 1) tile<1, V>(pieces, rows_at, start, panel, sums);
  else if (rows == 2) tile<2, V>(pieces, rows_at, start, panel, sums);
  else if (rows == 4) tile<4, V>(pieces, rows_at, start, panel, sums);
  else tile<8, V>(pieces, rows_at, start, panel, sums);
}

}  // namespace

bool has_byte_products() {
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
  return has;
}

void byte_tile(int64_t rows, int vectors, const TilePieces& pieces, const uint8_t* const* rows_at, const int32_t* start, const void* panel, int32_t* sums) {
  if (vectors == 1) tile_of<1>(rows, pieces, rows_at, start, static_cast<const char*>(panel), sums);
  else tile_of<2>(rows, pieces, rows_at, start, static_cast<const char*>(panel), sums);
}
#else
bool has_byte_products() { return false; }
void byte_tile(int64_t, int, const TilePieces&, const uint8_t* const*, const int32_t*, const void*, int32_t*) {}
#endif

}  // namespace tenon::cpu
