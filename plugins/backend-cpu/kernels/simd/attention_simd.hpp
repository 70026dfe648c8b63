// SPDX-License-Identifier: Apache-2.0
// attention_simd.hpp - the parts of attention over one block of queries, for the best instruction set of this machine.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tenon::cpu {

/// Keys are padded to a multiple of this in a panel.
inline constexpr int64_t kKeyLanes = 16;

/// panel[d * stride + j] = keys[j * step + d] for count keys of `size` elements.
void transpose_keys(const float* keys, int64_t step, int64_t count, int64_t size, float* panel, int64_t stride);

/// c[r, j] = sum over k of a[r, k] * b[k, j]; rows of each matrix are the given elements apart.
struct SmallProduct {
  int64_t rows, columns, depth, a_stride, b_stride, c_stride;
};
void small_product(const SmallProduct& p, const float* a, const float* b, float* c);

/// out[j] = sum over d of q[d] * keys[j * step + d].
void key_products(const float* q, const float* keys, int64_t step, int64_t count, int64_t size, float* out);

/// s[0, n) = exp(x - max x) with x = cap * tanh(scale * s / cap) + mask, or without a cap when it is 0; mask and allowed (bytes, 0 =
/// hidden) may be NULL. Returns what the result is to be multiplied by so that it sums to 1: 0 when no element is in sight.
float softmax_scores(float* s, size_t n, float scale, float cap, const float* mask, const uint8_t* allowed);

/// x *= factor.
void scale_row(float* x, size_t n, float factor);

}  // namespace tenon::cpu
