// SPDX-License-Identifier: Apache-2.0
// ReduceSum, ReduceMean and ReduceMax of f32 over neighbouring axes.
#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../simd/elementwise_simd.hpp"

namespace tenon::cpu {
namespace {

struct Axes {
  int64_t outer = 1, reduced = 1, inner = 1;
};

std::optional<Axes> read_axes(const Builder& b, const PlanNode& n) {
  if (!n.posts.empty() || !b.is_f32(n.input(0)) || !b.is_f32(n.output())) return std::nullopt;
  const Dims& d = b.value(n.input(0)).dims;
  const auto rank = static_cast<int64_t>(d.size());
  std::vector<uint8_t> reduced(d.size(), n.has_in(1) ? 0 : 1);
  if (n.has_in(1)) {
    const auto axes = b.constant_ints(n.input(1));
    if (!axes || axes->empty()) return std::nullopt;
    for (auto a : *axes) reduced.at(static_cast<size_t>(a < 0 ? a + rank : a)) = 1;
  } else if (n.attrs.i("noop_with_empty_axes")) {
    return std::nullopt;
  }
  Axes r;
  int stage = 0;
  for (size_t i = 0; i < d.size(); ++i) {
    if (d[i] == 1) continue;
    if (reduced[i]) {
      if (stage == 2) return std::nullopt;
      stage = 1;
      r.reduced *= d[i];
    } else {
      if (stage == 1) stage = 2;
      (stage == 0 ? r.outer : r.inner) *= d[i];
    }
  }
  return r;
}

struct ReduceStep {
  SlotId x, y;
  Axes a;
  bool maximum, mean;
  void run(const Run& r) const {
    const float* in = r.at<float>(x);
    float* out = r.at<float>(y);
    const float scale = mean ? 1.0f / static_cast<float>(a.reduced) : 1.0f;
    if (a.inner == 1) {
      parallel_for(a.outer, std::max<int64_t>(1, 8192 / a.reduced), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const float* p = in + i * a.reduced;
          out[i] = maximum ? max_of(p, static_cast<size_t>(a.reduced)) : sum_of(p, static_cast<size_t>(a.reduced)) * scale;
        }
      });
      return;
    }
    constexpr int64_t kWidth = 512;
    const int64_t tiles = (a.inner + kWidth - 1) / kWidth;
    parallel_for(a.outer * tiles, 1, [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) {
        const int64_t first = u % tiles * kWidth, count = std::min(kWidth, a.inner - first);
        const float* p = in + u / tiles * a.reduced * a.inner + first;
        float* q = out + u / tiles * a.inner + first;
        std::copy(p, p + count, q);
        for (int64_t k = 1; k < a.reduced; ++k) accumulate(maximum, p + k * a.inner, q, static_cast<size_t>(count));
        if (mean) scale_shift(q, scale, 0, nullptr, nullptr, q, static_cast<size_t>(count));
      }
    });
  }
};

int32_t match(const Builder& b, const PlanNode& n) { return read_axes(b, n) ? 100 : -1; }
bool build(Builder& b, const PlanNode& n) {
  const Axes a = *read_axes(b, n);
  const SlotId x = b.read(n.input(0)), y = b.write(n.output());
  const int threads = b.threads_for(static_cast<double>(b.value(n.input(0)).count()) * 10);
  b.step("cpu/reduce", ReduceStep{x, y, a, n.op == "ReduceMax", n.op == "ReduceMean"}, {x}, {y}, threads);
  return true;
}

}  // namespace

void register_reduce(KernelTable& t) {
  for (const char* op : {"ReduceSum", "ReduceMean", "ReduceMax"}) t.add({"cpu/reduce", op, match, build});
}

}  // namespace tenon::cpu
