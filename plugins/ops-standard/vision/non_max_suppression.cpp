// SPDX-License-Identifier: Apache-2.0
// NonMaxSuppression: of the boxes of each class, those that no better box overlaps; rows of [batch, class, box].
#include "common/infer.hpp"
#include "common/work.hpp"

#include <array>
#include <numeric>

namespace tenon::ops {
namespace {

enum Input : uint32_t { kBoxes, kScores, kMost, kOverlap, kLeast };

void infer(const Node& node) {
  const Tensor boxes = node.in(kBoxes), scores = node.in(kScores);
  expect_rank(boxes, 3, "the boxes");
  expect_rank(scores, 3, "the scores");
  if (boxes.has_rank()) same_dim(4, boxes.dim(2), "coordinates of a box");
  if (boxes.has_rank() && scores.has_rank()) {
    same_dim(boxes.dim(0), scores.dim(0), "batches of boxes and scores");
    same_dim(boxes.dim(1), scores.dim(2), "boxes and scores of a class");
  }
  node.set_out(0, dt::i64, Dims{node.fresh_symbol(), 3});
}

struct Box {
  float y0, x0, y1, x1;
  float area() const { return (y1 - y0) * (x1 - x0); }
};

Box make_box(const float* b, bool center) {
  if (center) return {b[1] - b[3] / 2, b[0] - b[2] / 2, b[1] + b[3] / 2, b[0] + b[2] / 2};
  return {std::min(b[0], b[2]), std::min(b[1], b[3]), std::max(b[0], b[2]), std::max(b[1], b[3])};
}

bool overlaps(const Box& a, const Box& b, float limit) {
  const float h = std::min(a.y1, b.y1) - std::max(a.y0, b.y0), w = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  if (h <= 0 || w <= 0 || a.area() <= 0 || b.area() <= 0) return false;
  return h * w / (a.area() + b.area() - h * w) > limit;
}

void run(const Node& node) {
  const Tensor boxes = node.in(kBoxes), scores = node.in(kScores);
  const Operand<float> box(boxes), score(scores), overlap(node.in(kOverlap)), least(node.in(kLeast));
  const int64_t most = node.has_in(kMost) ? node.in(kMost).ints().at(0) : 0, n = boxes.dim(1), classes = scores.dim(1);
  const float limit = overlap ? overlap[0] : 0;
  const bool center = node.i("center_point_box") != 0;
  std::vector<std::array<int64_t, 3>> chosen;
  for (int64_t b = 0; b < boxes.dim(0); ++b)
    for (int64_t c = 0; c < classes; ++c) {
      const float* s = score.data() + (b * classes + c) * n;
      std::vector<int64_t> order;
      for (int64_t i = 0; i < n; ++i)
        if (!least || s[i] > least[0]) order.push_back(i);
      std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) { return s[i] > s[j]; });
      std::vector<Box> kept;
      for (int64_t i : order) {
        if (static_cast<int64_t>(kept.size()) >= most) break;
        const Box candidate = make_box(box.data() + (b * n + i) * 4, center);
        if (std::any_of(kept.begin(), kept.end(), [&](const Box& k) { return overlaps(candidate, k, limit); })) continue;
        kept.push_back(candidate);
        chosen.push_back({b, c, i});
      }
    }
  int64_t* to = node.alloc_out<int64_t>(0, dt::i64, Dims{static_cast<int64_t>(chosen.size()), 3});
  for (const auto& row : chosen) to = std::copy(row.begin(), row.end(), to);
}

}  // namespace

TENON_OPERATOR("tenon", "NonMaxSuppression", 1, 0,
               "(boxes: f32, scores: f32, max_output_boxes_per_class?: i64, iou_threshold?: f32, score_threshold?: f32) -> (selected: i64) "
               "{center_point_box?: int}",
               infer, run);
}  // namespace tenon::ops
