// SPDX-License-Identifier: Apache-2.0
// Attention in f32: for each block of queries of one head all scores, their softmax, and the values they weigh, so that no score ever
// leaves the cache. Keys are transposed once for each head and thread; a few queries do without that.
#include <cmath>

#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../simd/attention_simd.hpp"

namespace tenon::cpu {
namespace {

enum Input : size_t { kQ, kK, kV, kMask, kPastKey, kPastValue, kValid };
enum Output : size_t { kY, kPresentKey, kPresentValue, kScores };
constexpr int64_t kFewQueries = 8;  ///< under this many, transposing the keys costs more than it brings

/// Elements [batch, heads, steps, size] of a slot, contiguous along size; strides in elements.
struct HeadsAt {
  SlotId slot = kNoSlot;
  int64_t offset = 0, heads = 0, steps = 0, size = 0;
  int64_t by_batch = 0, by_head = 0, by_step = 0;
  const float* at(const Run& r, int64_t b, int64_t h) const { return r.at<float>(slot) + offset + b * by_batch + h * by_head; }
};

HeadsAt heads_at(const Dims& d, const Strided& s, int64_t heads) {
  HeadsAt x{s.slot, s.offset};
  if (d.size() == 4) {
    x.heads = d[1], x.steps = d[2], x.size = d[3];
    x.by_batch = s.strides[0], x.by_head = s.strides[1], x.by_step = s.strides[2];
  } else {
    x.heads = heads, x.steps = d[1], x.size = d[2] / heads;
    x.by_batch = s.strides[0], x.by_head = x.size, x.by_step = s.strides[1];
  }
  return x;
}

/// Where rows of a mask lie; a stride of 0 repeats them.
struct MaskAt {
  SlotId slot = kNoSlot;
  bool flags = false;
  int64_t length = 0, by_batch = 0, by_head = 0, by_query = 0;
};

/// A cache and what is appended to it, as one dense [batch, heads, total, size].
struct Appended {
  SlotId past = kNoSlot, whole = kNoSlot;
  int64_t before = 0;
};

struct AttentionStep {
  HeadsAt q, k, v;
  Appended key, value;
  MaskAt mask;
  SlotId y, valid = kNoSlot, scratch = kNoSlot;
  int64_t batch, total, y_batch, y_head, y_step;
  float scale, cap;
  bool causal;
  int64_t left, right, block, padded, per_thread;

  int64_t group() const { return q.heads / k.heads; }

  void run(const Run& r) const {
    append(r, k, key);
    append(r, v, value);
    const int64_t blocks = (q.steps + block - 1) / block;
    parallel_for(batch * q.heads * blocks, 1, [&](int64_t begin, int64_t end) {
      float* own = r.at<float>(scratch) + omp_get_thread_num() * per_thread;
      int64_t transposed = -1;
      for (int64_t u = begin; u < end; ++u) {
        const int64_t head = u / blocks, b = head / q.heads, h = head % q.heads, kv = h / group();
        if (q.steps >= kFewQueries && transposed != b * k.heads + kv) {
          transposed = b * k.heads + kv;
          transpose_keys(keys(r, key, k, b, kv), step_of(key, k), total, k.size, own, padded);
        }
        queries(r, b, h, u % blocks * block, own);
      }
    });
  }

 private:
  void append(const Run& r, const HeadsAt& x, const Appended& a) const {
    if (a.whole == kNoSlot) return;
    parallel_for(batch * x.heads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) {
        float* to = r.at<float>(a.whole) + u * total * x.size;
        if (a.before) std::copy_n(r.at<float>(a.past) + u * a.before * x.size, a.before * x.size, to);
        const float* from = x.at(r, u / x.heads, u % x.heads);
        for (int64_t t = 0; t < x.steps; ++t) std::copy_n(from + t * x.by_step, x.size, to + (a.before + t) * x.size);
      }
    });
  }
  const float* keys(const Run& r, const Appended& a, const HeadsAt& x, int64_t b, int64_t h) const {
    return a.whole == kNoSlot ? x.at(r, b, h) : r.at<float>(a.whole) + (b * x.heads + h) * total * x.size;
  }
  int64_t step_of(const Appended& a, const HeadsAt& x) const { return a.whole == kNoSlot ? x.by_step : x.size; }

  /// Keys [first, last) that query i sees, the mask aside.
  void range(const Run& r, int64_t b, int64_t i, int64_t* first, int64_t* last) const {
    const int64_t filled = valid == kNoSlot ? total : std::clamp<int64_t>(r.at<int64_t>(valid)[b], 0, total);
    const int64_t at = i + (valid == kNoSlot ? key.before : r.at<int64_t>(valid)[b] - q.steps);
    *last = filled;
    if (causal) *last = std::min(*last, at + 1);
    if (right >= 0) *last = std::min(*last, at + right + 1);
    if (mask.slot != kNoSlot) *last = std::min(*last, mask.length);
    *last = std::max<int64_t>(*last, 0);
    *first = left >= 0 ? std::clamp<int64_t>(at - left, 0, *last) : 0;
  }

  void queries(const Run& r, int64_t b, int64_t h, int64_t i0, float* own) const {
    const int64_t rows = std::min(block, q.steps - i0), kv = h / group();
    float *panel = own, *scores = own + (q.steps >= kFewQueries ? padded * k.size : 0), *sums = scores + block * padded;
    const float* query = q.at(r, b, h) + i0 * q.by_step;
    int64_t widest = 0, first, last;
    for (int64_t i = 0; i < rows; ++i) {
      range(r, b, i0 + i, &first, &last);
      widest = std::max(widest, last);
    }
    if (q.steps >= kFewQueries) {
      small_product({rows, std::min(padded, round_up(widest, kKeyLanes)), k.size, q.by_step, padded, padded}, query, panel, scores);
    } else {
      for (int64_t i = 0; i < rows; ++i) key_products(query + i * q.by_step, keys(r, key, k, b, kv), step_of(key, k), widest, k.size, scores + i * padded);
    }
    for (int64_t i = 0; i < rows; ++i) {
      float* s = scores + i * padded;
      range(r, b, i0 + i, &first, &last);
      std::fill(s, s + first, 0.0f);
      std::fill(s + last, s + widest, 0.0f);
      sums[i] = softmax(r, b, h, i0 + i, first, last, s);
    }
    float* out = r.at<float>(y) + b * y_batch + h * y_head + i0 * y_step;
    small_product({rows, v.size, widest, padded, step_of(value, v), y_step}, scores, keys(r, value, v, b, kv), out);
    for (int64_t i = 0; i < rows; ++i) scale_row(out + i * y_step, static_cast<size_t>(v.size), sums[i]);
  }
  float softmax(const Run& r, int64_t b, int64_t h, int64_t i, int64_t first, int64_t last, float* s) const {
    const int64_t at = b * mask.by_batch + h * mask.by_head + i * mask.by_query + first;
    const float* added = mask.slot != kNoSlot && !mask.flags ? r.at<float>(mask.slot) + at : nullptr;
    const uint8_t* allowed = mask.slot != kNoSlot && mask.flags ? r.at<uint8_t>(mask.slot) + at : nullptr;
    return softmax_scores(s + first, static_cast<size_t>(last - first), scale, cap, added, allowed);
  }
};

int32_t match(const Builder& b, const PlanNode& n) {
  if (!n.posts.empty() || n.output(kScores) != kNoValue || n.attrs.i("qk_matmul_output_mode") != 0 || n.output() == kNoValue) return -1;
  for (size_t k : {kQ, kK, kV})
    if (!b.is_f32(n.input(k)) || b.value(n.input(k)).count() == 0) return -1;
  for (size_t k : {kPastKey, kPastValue})
    if (n.has_in(k) && !b.is_f32(n.input(k))) return -1;
  const size_t rank = b.value(n.input(kQ)).dims.size();
  if ((rank != 3 && rank != 4) || b.value(n.input(kK)).dims.size() != rank || b.value(n.input(kV)).dims.size() != rank) return -1;
  for (const auto& [k, heads] : {std::pair(kQ, "q_num_heads"), std::pair(kK, "kv_num_heads"), std::pair(kV, "kv_num_heads")})
    if (rank == 3 && (n.attrs.i(heads) < 1 || b.value(n.input(k)).dims[2] % n.attrs.i(heads) != 0)) return -1;
  if (n.has_in(kMask)) {
    const PlanValue& m = b.value(n.input(kMask));
    if (!m.known || (m.type != dt::f32 && m.type != dt::boolean) || m.dims.empty() || m.dims.size() > 4 || m.count() == 0) return -1;
  }
  return 100;
}

HeadsAt read_heads(Builder& b, ValueId v, int64_t heads) {
  const Dims d = b.value(v).dims;
  Strided s = b.strided(v);
  if (s.strides.back() != 1 && d.back() != 1) s = {b.read(v), 0, dense_strides(d)};
  return heads_at(d, s, heads);
}

Appended append_to(Builder& b, ValueId past, ValueId present, const HeadsAt& x, int64_t batch) {
  Appended a;
  if (past != kNoValue) {
    a.before = b.value(past).dims[2];
    a.past = b.read(past);
  }
  if (present != kNoValue) a.whole = b.write(present);
  else if (past != kNoValue) a.whole = b.scratch(static_cast<uint64_t>(batch * x.heads * (a.before + x.steps) * x.size) * sizeof(float));
  return a;
}

MaskAt read_mask(Builder& b, ValueId v) {
  MaskAt m;
  if (v == kNoValue) return m;
  Dims d = b.value(v).dims;
  m.flags = b.value(v).type == dt::boolean;
  m.slot = b.read(v);
  m.length = d.back();
  d.insert(d.begin(), 4 - d.size(), 1);
  const Dims step = dense_strides(d);
  m.by_batch = d[0] == 1 ? 0 : step[0];
  m.by_head = d[1] == 1 ? 0 : step[1];
  m.by_query = d[2] == 1 ? 0 : step[2];
  return m;
}

/// Whether the steps of all heads are brought together next: they are stored like that then.
bool merges_heads(const Builder& b, const PlanNode& n) {
  const PlanNode* reader = b.sole_reader(n.output());
  return reader && reader->op == "Transpose" && reader->attrs.ints("perm") == Dims{0, 2, 1, 3};
}

bool build(Builder& b, const PlanNode& n) {
  AttentionStep s{};
  s.q = read_heads(b, n.input(kQ), n.attrs.i("q_num_heads"));
  s.k = read_heads(b, n.input(kK), n.attrs.i("kv_num_heads"));
  s.v = read_heads(b, n.input(kV), n.attrs.i("kv_num_heads"));
  s.batch = b.value(n.input(kQ)).dims[0];
  std::vector<SlotId> reads{s.q.slot, s.k.slot, s.v.slot};
  s.key = append_to(b, n.input(kPastKey), n.output(kPresentKey), s.k, s.batch);
  s.value = append_to(b, n.input(kPastValue), n.output(kPresentValue), s.v, s.batch);
  s.mask = read_mask(b, n.input(kMask));
  if (n.has_in(kValid)) s.valid = b.read(n.input(kValid));
  s.total = s.key.before + s.k.steps;
  s.scale = static_cast<float>(n.attrs.has("scale") ? n.attrs.f("scale") : 1 / std::sqrt(static_cast<double>(s.q.size)));
  s.cap = static_cast<float>(n.attrs.f("softcap", 0));
  s.causal = n.attrs.i("is_causal") != 0;
  s.left = n.attrs.i("left_window_size", -1);
  s.right = n.attrs.i("right_window_size", -1);
  // Some 128 KiB of scores at a time.
  s.padded = round_up(s.total, kKeyLanes);
  s.block = std::clamp<int64_t>(32768 / s.padded / 8 * 8, 8, 64);
  const int64_t panel = s.q.steps >= kFewQueries ? s.padded * s.k.size : 0;
  s.per_thread = round_up(panel + s.block * s.padded + s.block, kKeyLanes);
  const double work = 2.0 * static_cast<double>(s.batch * s.q.heads * s.q.steps * s.total) * static_cast<double>(s.q.size + s.v.size + 20);
  const int threads = b.threads_for(work);
  s.scratch = b.scratch(static_cast<uint64_t>(s.per_thread * threads) * sizeof(float));
  const bool merged = b.value(n.input(kQ)).dims.size() == 4 && merges_heads(b, n), flat = merged || b.value(n.input(kQ)).dims.size() == 3;
  const int64_t wide = s.q.heads * s.v.size;
  s.y_batch = s.q.steps * wide;
  s.y_head = flat ? s.v.size : s.q.steps * s.v.size;
  s.y_step = flat ? wide : s.v.size;
  if (merged) {
    s.y = b.scratch(b.value(n.output()).bytes());
    b.write_view(n.output(), {s.y, 0, {s.y_batch, s.y_head, s.y_step, 1}});
  } else {
    s.y = b.write(n.output());
  }
  std::vector<SlotId> writes{s.y};
  for (const Appended& a : {s.key, s.value}) {
    if (a.past != kNoSlot) reads.push_back(a.past);
    if (a.whole != kNoSlot) writes.push_back(a.whole);
  }
  for (SlotId v : {s.mask.slot, s.valid})
    if (v != kNoSlot) reads.push_back(v);
  writes.push_back(s.scratch);
  b.step("cpu/attention", s, reads, writes, threads);
  return true;
}

}  // namespace

void register_attention(KernelTable& t) { t.add({"cpu/attention", "Attention", match, build}); }

}  // namespace tenon::cpu
