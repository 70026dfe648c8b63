// SPDX-License-Identifier: Apache-2.0
// Concat. Where a part lies in one piece in the result, its producer writes it there and nothing is copied.
#include <algorithm>

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

/// Channels that lie together in a block of a part and of the result.
struct Lanes {
  SlotId from;
  int64_t from_block, from_blocks, from_lane, lane, count;
};
/// Along the channels of a blocked layout where parts do not fill their last block: the ones behind move on by some lanes.
struct LanesStep {
  std::vector<std::vector<Lanes>> blocks;  ///< of the result
  SlotId to;
  int64_t batch, spatial, block;
  void run(const Run& r) const {
    const auto n = static_cast<int64_t>(blocks.size());
    parallel_for(batch * n, std::max<int64_t>(1, 8192 / (spatial * block)), [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) {
        float* out = r.at<float>(to) + u * spatial * block;
        const auto& lanes = blocks[static_cast<size_t>(u % n)];
        for (const auto& l : lanes) copy(l, r.at<float>(l.from) + (u / n * l.from_blocks + l.from_block) * spatial * block, out);
        const int64_t used = lanes.back().lane + lanes.back().count;
        if (used == block) continue;
        for (int64_t s = 0; s < spatial; ++s) std::fill(out + s * block + used, out + (s + 1) * block, 0.0f);
      }
    });
  }
  void copy(const Lanes& l, const float* from, float* out) const {
    if (l.count == block) {
      std::memcpy(out, from, static_cast<size_t>(spatial * block) * sizeof(float));
      return;
    }
    for (int64_t s = 0; s < spatial; ++s)
      for (int64_t k = 0; k < l.count; ++k) out[s * block + l.lane + k] = from[s * block + l.from_lane + k];
  }
};

/// What fills each block of the result.
LanesStep make_lanes(const Builder& b, const PlanNode& n, const std::vector<SlotId>& parts, SlotId to, int64_t block) {
  const Dims& y = b.value(n.output()).dims;
  LanesStep step{std::vector<std::vector<Lanes>>(static_cast<size_t>(round_up(y[1], block) / block)), to, y[0], product(y, 2), block};
  int64_t at = 0;
  for (size_t k = 0; k < parts.size(); ++k) {
    if (parts[k] == kNoSlot) continue;
    const int64_t channels = b.value(n.in[k]).dims[1];
    for (int64_t c = 0; c < channels;) {
      const int64_t count = std::min({channels - c, block - c % block, block - at % block});
      step.blocks[static_cast<size_t>(at / block)].push_back({parts[k], c / block, round_up(channels, block) / block, c % block, at % block, count});
      c += count;
      at += count;
    }
  }
  return step;
}

int32_t match(const Builder& b, const PlanNode& n) {
  for (auto v : n.in)
    if (v == kNoValue || !b.value(v).known || b.value(v).type != b.value(n.output()).type || b.value(v).type.bits < 8) return -1;
  return n.posts.empty() && !b.value(n.output()).dims.empty() ? 100 : -1;
}

size_t axis_of(const Builder& b, const PlanNode& n) {
  const int64_t a = n.attrs.i("axis");
  return static_cast<size_t>(a < 0 ? a + static_cast<int64_t>(b.value(n.output()).dims.size()) : a);
}

bool fills_blocks(const Builder& b, const PlanNode& n, int64_t block) {
  return std::all_of(n.in.begin(), n.in.end(), [&](ValueId v) { return b.value(v).dims[1] % block == 0; });
}

std::optional<LayoutCosts> layouts(const Builder& b, const PlanNode& n) {
  if (match(b, n) < 0) return std::nullopt;
  std::vector<ValueId> images(n.in);
  images.push_back(n.output());
  auto c = streaming_costs(b, images);
  const int64_t block = block_of(dnn::preferred_block());
  const size_t axis = axis_of(b, n);
  if (!c || b.value(n.output()).dims[0] != 1 || axis == 0) return c;
  // Parts that lie in one piece in the result are written there by their producers.
  const Dims& y = b.value(n.output()).dims;
  if (axis == 1) (*c)[Layout::plain] = 0;
  if (axis == 1 && fills_blocks(b, n, block)) (*c)[dnn::preferred_block()] = 0;
  if (product(y, 2) == 1 || axis == 2) (*c)[Layout::channels_last] = 0;
  return c;
}

/// As planned; else the one that most elements already are in.
Layout choose_layout(const Builder& b, const PlanNode& n) {
  if (b.planned()) return *b.planned();
  if (b.value(n.output()).dims.size() < 3) return Layout::plain;
  int64_t weight[kLayouts] = {};
  for (auto v : n.in) weight[static_cast<int>(b.home(v))] += b.value(v).count();
  return static_cast<Layout>(std::max_element(weight, weight + kLayouts) - weight);
}

bool build(Builder& b, const PlanNode& n) {
  const ValueId y = n.output();
  const Dims& dims = b.value(y).dims;
  const size_t axis = axis_of(b, n);
  const Layout l = choose_layout(b, n);
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
  const int threads = b.threads_for(static_cast<double>(physical_count(dims, l)) * 10);
  if (block_of(l) > 1 && axis == 1 && !fills_blocks(b, n, block_of(l))) {
    std::vector<SlotId> reads;
    std::copy_if(parts.begin(), parts.end(), std::back_inserter(reads), [](SlotId s) { return s != kNoSlot; });
    b.step("cpu/concat", make_lanes(b, n, parts, to, block_of(l)), reads, {to}, threads);
    return true;
  }
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
  b.step("cpu/concat", std::move(step), reads, {to}, threads);
  return true;
}

}  // namespace

void register_concat(KernelTable& t) { t.add({"cpu/concat", "Concat", match, build, layouts}); }

}  // namespace tenon::cpu
