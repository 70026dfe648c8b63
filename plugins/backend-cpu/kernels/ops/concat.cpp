// SPDX-License-Identifier: Apache-2.0
// Concat. Where a part lies in one piece in the result, its producer writes it there and nothing is copied.
#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../onednn/primitive.hpp"

namespace tenon::cpu {
namespace {

/// Copies one part: `rows` pieces of `piece` bytes.
struct Part {
  SlotId from;
  uint64_t piece, offset;
};
struct ConcatStep {
  std::vector<Part> parts;
  SlotId to;
  uint64_t rows, row_bytes;
  void run(const Run& r) const {
    for (const auto& p : parts) {
      const char* from = r.at<char>(p.from);
      char* target = r.at<char>(to) + p.offset;
      parallel_for(static_cast<int64_t>(rows), static_cast<int64_t>(65536 / (p.piece + 1) + 1), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) std::memcpy(target + static_cast<uint64_t>(i) * row_bytes, from + static_cast<uint64_t>(i) * p.piece, p.piece);
      });
    }
  }
};

int32_t match(const Builder& b, const PlanNode& n) {
  for (auto v : n.in)
    if (v == kNoValue || !b.value(v).known || b.value(v).type != b.value(n.output()).type || b.value(v).type.bits < 8) return -1;
  return n.posts.empty() && !b.value(n.output()).dims.empty() ? 100 : -1;
}

/// The layout that most elements already are in, when the parts can be joined along the axis in it.
Layout choose_layout(const Builder& b, const PlanNode& n, size_t axis) {
  const Dims& y = b.value(n.output()).dims;
  if (!b.is_f32(n.output()) || y.size() < 3) return Layout::plain;
  int64_t weight[kLayouts] = {};
  for (auto v : n.in) weight[static_cast<int>(b.home(v))] += b.value(v).count();
  Layout best = Layout::plain;
  for (int k = 1; k < kLayouts; ++k)
    if (weight[k] > weight[static_cast<int>(best)]) best = static_cast<Layout>(k);
  if (block_of(best) > 1 && axis == 1)
    for (auto v : n.in)
      if (b.value(v).dims[1] % block_of(best) != 0) return b.value(n.output()).dims.size() <= 5 ? Layout::channels_last : Layout::plain;
  return best;
}

bool build(Builder& b, const PlanNode& n) {
  const ValueId y = n.output();
  const Dims& dims = b.value(y).dims;
  const auto axis = static_cast<size_t>(n.attrs.i("axis") < 0 ? n.attrs.i("axis") + static_cast<int64_t>(dims.size()) : n.attrs.i("axis"));
  const Layout l = choose_layout(b, n, axis);
  const uint64_t size = b.value(y).type.bits / 8u;
  // In memory order: what stands before the axis is rows, the rest is a piece of a row.
  auto rows_of = [&](const Dims& d) {
    int64_t rows = 1;
    if (l == Layout::channels_last) {
      if (axis == 0) return rows;
      rows = d[0];
      if (axis == 1) return rows * product(d, 2);
      for (size_t i = 2; i < axis; ++i) rows *= d[i];
      return rows;
    }
    for (size_t i = 0; i < axis; ++i) rows *= i == 1 && block_of(l) > 1 ? round_up(d[1], block_of(l)) / block_of(l) : d[i];
    return rows;
  };
  const auto rows = static_cast<uint64_t>(rows_of(dims));
  std::vector<SlotId> parts;
  for (auto v : n.in) parts.push_back(b.value(v).count() ? b.read(v, l) : kNoSlot);
  const SlotId to = b.write(y, l);
  ConcatStep step{{}, to, rows, static_cast<uint64_t>(physical_count(dims, l)) * size / rows};
  std::vector<SlotId> reads;
  uint64_t offset = 0;
  for (size_t k = 0; k < parts.size(); ++k) {
    if (parts[k] == kNoSlot) continue;
    const uint64_t piece = static_cast<uint64_t>(physical_count(b.value(n.in[k]).dims, l)) * size / rows;
    if (rows != 1 || !b.place_inside(parts[k], to, offset)) {
      step.parts.push_back({parts[k], piece, offset});
      reads.push_back(parts[k]);
    }
    offset += piece;
  }
  if (step.parts.empty()) return true;
  b.step("cpu/concat", std::move(step), reads, {to}, b.threads_for(static_cast<double>(physical_count(dims, l)) * 10));
  return true;
}

}  // namespace

void register_concat(KernelTable& t) { t.add({"cpu/concat", "Concat", match, build}); }

}  // namespace tenon::cpu
