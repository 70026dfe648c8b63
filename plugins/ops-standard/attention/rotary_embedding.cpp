// SPDX-License-Identifier: Apache-2.0
// RotaryEmbedding: rotates pairs of elements of each head by an angle that depends on the position. Input [batch, heads, seq, size] or
// [batch, seq, hidden] with num_heads; caches [positions, size / 2] with position_ids, or [batch, seq, size / 2] without.
#include "common/infer.hpp"
#include "common/work.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  const Tensor x = node.in(0);
  if (x.has_rank() && x.rank() != 3 && x.rank() != 4) fail("the input has a wrong rank", "rank 3 or 4", "shape " + shape_text(x));
  if (x.has_rank() && x.rank() == 3 && node.i("num_heads") < 1) throw invalid("a 3-D input needs num_heads");
  for (uint32_t k = 1; k < 3; ++k) expect_rank(node.in(k), node.has_in(3) ? 2 : 3, "a cache of cosines or sines");
  if (node.has_in(3)) expect_rank(node.in(3), 2, "position_ids");
  node.set_out_like(0, 0);
}

/// Sizes, and the distance in elements from one batch, head and position to the next.
struct RotaryShape {
  int64_t batch, heads, steps, size, by_batch, by_head, by_step;
  explicit RotaryShape(const Node& node) {
    const Tensor x = node.in(0);
    batch = x.dim(0);
    if (x.rank() == 4) {
      heads = x.dim(1), steps = x.dim(2), size = x.dim(3);
      by_head = steps * size, by_step = size;
    } else {
      heads = node.i("num_heads"), steps = x.dim(1);
      if (x.dim(2) % heads != 0) fail("the hidden size is no multiple of num_heads", "a multiple of " + std::to_string(heads), std::to_string(x.dim(2)));
      size = x.dim(2) / heads;
      by_head = size, by_step = x.dim(2);
    }
    by_batch = heads * steps * size;
  }
};

void run(const Node& node) {
  const RotaryShape s(node);
  const int64_t rotary = node.i("rotary_embedding_dim") > 0 ? node.i("rotary_embedding_dim") : s.size, half = rotary / 2;
  const bool interleaved = node.i("interleaved") != 0;
  if (rotary > s.size || rotary % 2 != 0) fail("rotary_embedding_dim does not fit", "even and at most " + std::to_string(s.size), std::to_string(rotary));
  for (uint32_t k = 1; k < 3; ++k) same_dim(half, node.in(k).dim(-1), "half of the rotated elements and the last dimension of a cache");
  const Dims positions = node.has_in(3) ? node.in(3).ints() : Dims{};
  const int64_t rows = node.in(1).count() / std::max<int64_t>(1, half);
  auto cache_row = [&](int64_t b, int64_t t) {
    const size_t at = static_cast<size_t>(b * s.steps + t);
    if (!positions.empty() && at >= positions.size()) fail("position_ids is too short", std::to_string(s.batch * s.steps), std::to_string(positions.size()));
    const int64_t row = positions.empty() ? static_cast<int64_t>(at) : positions[at];
    if (row < 0 || row >= rows) fail("a position is outside the cache", "0 to " + std::to_string(rows - 1), std::to_string(row));
    return row * half;
  };
  visit_real_work(node.in(0).type(), [&]<class W>(Tag<W>) {
    const Operand<W> x(node.in(0)), cosines(node.in(1)), sines(node.in(2));
    Result<W> y(node.out(0));
    std::copy_n(x.data(), x.count(), y.data());
    for (int64_t b = 0; b < s.batch; ++b)
      for (int64_t t = 0; t < s.steps; ++t) {
        const int64_t cache = cache_row(b, t);
        for (int64_t h = 0; h < s.heads; ++h)
          for (int64_t i = 0; i < half; ++i) {
            const int64_t at = b * s.by_batch + h * s.by_head + t * s.by_step;
            const int64_t first = at + (interleaved ? 2 * i : i), second = interleaved ? first + 1 : first + half;
            const double c = cosines[cache + i], sn = sines[cache + i], p = x[first], q = x[second];
            y[first] = static_cast<W>(c * p - sn * q);
            y[second] = static_cast<W>(sn * p + c * q);
          }
      }
    y.commit();
  });
}

}  // namespace

TENON_OPERATOR("tenon", "RotaryEmbedding", 1, 0,
               "(X: T(float), cos_cache: T, sin_cache: T, position_ids?: i64) -> (Y: T) {interleaved?: int, rotary_embedding_dim?: int, num_heads?: int}",
               infer, run);
}  // namespace tenon::ops
