// SPDX-License-Identifier: Apache-2.0
// recurrent_simd.hpp - the inner work of LSTM and GRU, sixteen hidden units at a time.
#pragma once
#include <cstdint>

namespace tenon::cpu {

inline constexpr int64_t kUnits = 16;

/// out[g][u] = sum over k of packed[k][g][u] * h[k], for `gates` of 1 to 4.
void panel_product(int gates, const float* packed, const float* h, int64_t k, float* out);
/// sums[i, o, f, c][u]; c[u] is updated, h[u] set.
void lstm_cell(const float* sums, float* c, float* h);
/// z and r = sigmoid(sums[z, r][u]), in place.
void gru_gates(float* sums);
/// h = (1 - z) * tanh(n) + z * h.
void gru_update(const float* z, const float* n, float* h);

}  // namespace tenon::cpu
