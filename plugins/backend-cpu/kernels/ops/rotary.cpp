// SPDX-License-Identifier: Apache-2.0
// RotaryEmbedding in f32: the angles of a position are read once for all heads.
#include "../../threads/pool.hpp"
#include "../kernel.hpp"

namespace tenon::cpu {
namespace {

struct Rotary {
  SlotId x, cosines, sines, positions = kNoSlot, y;
  int64_t offset, batch, heads, steps, size, half, rows;
  int64_t x_batch, x_head, x_step, y_batch, y_head, y_step;
  bool interleaved;

  void run(const Run& r) const {
    for (int64_t u = 0; u < batch * steps && positions != kNoSlot; ++u)
      if (const int64_t at = r.at<int64_t>(positions)[u]; at < 0 || at >= rows)
        throw invalid("a position is outside the cache").with("expected", "0 to " + std::to_string(rows - 1)).with("found", std::to_string(at));
    parallel_for(batch * steps, std::max<int64_t>(1, 4096 / (heads * size)), [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) {
        const int64_t b = u / steps, t = u % steps, row = positions == kNoSlot ? u : r.at<int64_t>(positions)[u];
        const float *c = r.at<float>(cosines) + row * half, *s = r.at<float>(sines) + row * half;
        const float* from = r.at<float>(x) + offset + b * x_batch + t * x_step;
        float* to = r.at<float>(y) + b * y_batch + t * y_step;
        for (int64_t h = 0; h < heads; ++h) interleaved ? turn_pairs(from + h * x_head, c, s, to + h * y_head) : turn_halves(from + h * x_head, c, s, to + h * y_head);
      }
    });
  }

 private:
  void turn_halves(const float* __restrict from, const float* __restrict c, const float* __restrict s, float* __restrict to) const {
    for (int64_t i = 0; i < half; ++i) to[i] = c[i] * from[i] - s[i] * from[half + i];
    for (int64_t i = 0; i < half; ++i) to[half + i] = s[i] * from[i] + c[i] * from[half + i];
    std::copy(from + 2 * half, from + size, to + 2 * half);
  }
  void turn_pairs(const float* __restrict from, const float* __restrict c, const float* __restrict s, float* __restrict to) const {
    for (int64_t i = 0; i < half; ++i) {
      to[2 * i] = c[i] * from[2 * i] - s[i] * from[2 * i + 1];
      to[2 * i + 1] = s[i] * from[2 * i] + c[i] * from[2 * i + 1];
    }
    std::copy(from + 2 * half, from + size, to + 2 * half);
  }
};

int64_t heads_of(const PlanNode& n, const Dims& x) { return x.size() == 4 ? x[1] : n.attrs.i("num_heads"); }

int32_t match(const Builder& b, const PlanNode& n) {
  for (size_t k = 0; k < 3; ++k)
    if (!b.is_f32(n.input(k)) || b.value(n.input(k)).count() == 0) return -1;
  const Dims &x = b.value(n.input(0)).dims, &c = b.value(n.input(1)).dims, &s = b.value(n.input(2)).dims;
  if ((x.size() != 3 && x.size() != 4) || !n.posts.empty() || c != s || c.size() != (n.has_in(3) ? 2u : 3u)) return -1;
  const int64_t heads = heads_of(n, x), batch = x[0], steps = x.size() == 4 ? x[2] : x[1];
  if (heads < 1 || (x.size() == 3 && x[2] % heads != 0)) return -1;
  const int64_t size = x.size() == 4 ? x[3] : x[2] / heads, rotated = n.attrs.i("rotary_embedding_dim") > 0 ? n.attrs.i("rotary_embedding_dim") : size;
  if (rotated > size || rotated % 2 != 0 || c.back() != rotated / 2) return -1;
  if (n.has_in(3)) {
    const PlanValue& p = b.value(n.input(3));
    return p.known && p.type == dt::i64 && p.count() == batch * steps ? 100 : -1;
  }
  return c[0] == batch && c[1] == steps ? 100 : -1;
}

bool build(Builder& b, const PlanNode& n) {
  const Dims d = b.value(n.input(0)).dims, c = b.value(n.input(1)).dims;
  Strided from = b.strided(n.input(0));
  if (from.strides.back() != 1) from = {b.read(n.input(0)), 0, dense_strides(d)};
  const bool wide = d.size() == 4;
  Rotary s{};
  s.x = from.slot;
  s.offset = from.offset;
  s.batch = d[0];
  s.heads = heads_of(n, d);
  s.steps = wide ? d[2] : d[1];
  s.size = wide ? d[3] : d[2] / s.heads;
  s.half = c.back();
  s.rows = product(c) / s.half;
  s.interleaved = n.attrs.i("interleaved") != 0;
  const Dims to = dense_strides(d);
  s.x_batch = from.strides[0], s.y_batch = to[0];
  s.x_head = wide ? from.strides[1] : s.size, s.y_head = wide ? to[1] : s.size;
  s.x_step = wide ? from.strides[2] : from.strides[1], s.y_step = wide ? to[2] : to[1];
  s.cosines = b.read(n.input(1));
  s.sines = b.read(n.input(2));
  std::vector<SlotId> reads{s.x, s.cosines, s.sines};
  s.positions = kNoSlot;
  if (n.has_in(3)) reads.push_back(s.positions = b.read(n.input(3)));
  s.y = b.write(n.output());
  b.step("cpu/rotary", s, reads, {s.y}, b.threads_for(static_cast<double>(product(d)) * 50));
  return true;
}

}  // namespace

void register_rotary(KernelTable& t) { t.add({"cpu/rotary", "RotaryEmbedding", match, build}); }

}  // namespace tenon::cpu
