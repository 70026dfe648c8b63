// SPDX-License-Identifier: Apache-2.0
// DetectionPostProcess: detections of SSD models as TFLite's operator of that name gives them. Box encodings [1, n, 4 or more] (y, x, h, w)
// are relative to anchors [n, 4] of the same order; scores [1, n, classes, perhaps one more for the background before them]. Boxes
// [1, m, 4] are (ymin, xmin, ymax, xmax), sorted by score; rows that are left over are 0.
#include "common/infer.hpp"

#include <array>
#include <cmath>
#include <numeric>

namespace tenon::ops {
namespace {

enum Input : uint32_t { kEncodings, kScores, kAnchors };

struct Settings {
  int64_t most, per_box, per_class, classes;
  bool regular;
  float least, limit;
  std::array<float, 4> scale;  ///< of y, x, h, w
  explicit Settings(const Node& node)
      : most(node.i("max_detections")), per_box(node.i("max_classes_per_detection", 1)), per_class(node.i("detections_per_class", 100)), classes(node.i("num_classes")),
        regular(node.i("use_regular_nms", 0) != 0), least(static_cast<float>(node.f("nms_score_threshold", 0))), limit(static_cast<float>(node.f("nms_iou_threshold"))) {
    const std::vector<double> s = node.floats("scales", {1, 1, 1, 1});
    if (s.size() != 4) fail("attribute 'scales' needs 4 numbers", "4", std::to_string(s.size()));
    for (size_t k = 0; k < 4; ++k) scale[k] = static_cast<float>(s[k]);
    constexpr int64_t kMost = 1 << 20;
    if (most < 0 || most > kMost || per_box < 1 || per_box > kMost || classes < 1 || per_class < 0) fail("a size is out of range", "positive sizes", std::to_string(most) + " detections, " + std::to_string(classes) + " classes");
    if (!(limit > 0 && limit <= 1)) fail("nms_iou_threshold is out of range", "more than 0 and at most 1", std::to_string(limit));
  }
  int64_t rows() const { return regular ? most : most * per_box; }
};

void infer(const Node& node) {
  const Settings s(node);
  const Tensor boxes = node.in(kEncodings), scores = node.in(kScores), anchors = node.in(kAnchors);
  expect_rank(boxes, 3, "the box encodings");
  expect_rank(scores, 3, "the scores");
  expect_rank(anchors, 2, "the anchors");
  if (boxes.has_rank()) same_dim(1, boxes.dim(0), "batches");
  if (boxes.has_rank() && boxes.dim(2) >= 0 && boxes.dim(2) < 4) fail("a box encoding is too short", "4 numbers at least", std::to_string(boxes.dim(2)));
  if (anchors.has_rank()) same_dim(4, anchors.dim(1), "numbers of an anchor");
  if (boxes.has_rank() && scores.has_rank()) same_dim(boxes.dim(1), scores.dim(1), "numbers of boxes and of scores");
  if (boxes.has_rank() && anchors.has_rank()) same_dim(boxes.dim(1), anchors.dim(0), "numbers of boxes and of anchors");
  if (scores.has_rank() && scores.dim(2) >= 0 && scores.dim(2) != s.classes && scores.dim(2) != s.classes + 1)
    fail("the scores do not fit num_classes", std::to_string(s.classes) + " or one more", std::to_string(scores.dim(2)));
  node.set_out(0, dt::f32, Dims{1, s.rows(), 4});
  node.set_out(1, dt::f32, Dims{1, s.rows()});
  node.set_out(2, dt::f32, Dims{1, s.rows()});
  node.set_out(3, dt::f32, Dims{1});
}

struct Box {
  float y0, x0, y1, x1;
  float area() const { return (y1 - y0) * (x1 - x0); }
};

std::vector<Box> decode(const Settings& s, const Tensor& encodings, const float* anchor) {
  std::vector<Box> boxes(static_cast<size_t>(encodings.dim(1)));
  const float* e = encodings.data<float>();
  for (Box& b : boxes) {
    const float y = e[0] / s.scale[0] * anchor[2] + anchor[0], x = e[1] / s.scale[1] * anchor[3] + anchor[1];
    const float h = 0.5f * std::exp(e[2] / s.scale[2]) * anchor[2], w = 0.5f * std::exp(e[3] / s.scale[3]) * anchor[3];
    b = {y - h, x - w, y + h, x + w};
    e += encodings.dim(2);
    anchor += 4;
  }
  return boxes;
}

float overlap(const Box& a, const Box& b) {
  if (a.area() <= 0 || b.area() <= 0) return 0;
  const float h = std::max(std::min(a.y1, b.y1) - std::max(a.y0, b.y0), 0.0f), w = std::max(std::min(a.x1, b.x1) - std::max(a.x0, b.x0), 0.0f);
  return h * w / (a.area() + b.area() - h * w);
}

/// Boxes that no better box overlaps, best first, at most `most`.
std::vector<int64_t> suppress(const Settings& s, const std::vector<Box>& boxes, const std::vector<float>& score, int64_t most) {
  std::vector<int64_t> order, kept;
  for (size_t i = 0; i < score.size(); ++i)
    if (score[i] >= s.least) order.push_back(static_cast<int64_t>(i));
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return score[static_cast<size_t>(a)] > score[static_cast<size_t>(b)]; });
  for (int64_t i : order) {
    if (static_cast<int64_t>(kept.size()) >= most) break;
    const auto covers = [&](int64_t k) { return overlap(boxes[static_cast<size_t>(k)], boxes[static_cast<size_t>(i)]) > s.limit; };
    if (std::none_of(kept.begin(), kept.end(), covers)) kept.push_back(i);
  }
  return kept;
}

struct Detection {
  int64_t box, label;
  float score;
};

struct Scores {
  const float* p;
  int64_t boxes, width, classes;
  float at(int64_t box, int64_t label) const { return p[box * width + (width - classes) + label]; }
};

/// Each class by itself, then the best of all classes.
std::vector<Detection> by_class(const Settings& s, const std::vector<Box>& boxes, const Scores& scores) {
  std::vector<Detection> all;
  std::vector<float> column(boxes.size());
  for (int64_t c = 0; c < s.classes; ++c) {
    for (int64_t i = 0; i < scores.boxes; ++i) column[static_cast<size_t>(i)] = scores.at(i, c);
    for (int64_t i : suppress(s, boxes, column, s.per_class)) all.push_back({i, c, scores.at(i, c)});
    std::stable_sort(all.begin(), all.end(), [](const Detection& a, const Detection& b) { return a.score > b.score; });
    if (static_cast<int64_t>(all.size()) > s.most) all.resize(static_cast<size_t>(s.most));
  }
  return all;
}

/// Boxes by the score of their best class; each that is kept shows its best classes.
std::vector<Detection> by_best_class(const Settings& s, const std::vector<Box>& boxes, const Scores& scores) {
  const int64_t shown = std::min(s.per_box, s.classes);
  std::vector<int64_t> labels(static_cast<size_t>(s.classes));
  const auto best_labels = [&](int64_t i) {
    std::iota(labels.begin(), labels.end(), 0);
    std::partial_sort(labels.begin(), labels.begin() + shown, labels.end(), [&](int64_t a, int64_t b) { return scores.at(i, a) > scores.at(i, b); });
  };
  std::vector<float> best(boxes.size());
  for (int64_t i = 0; i < scores.boxes; ++i) {
    best_labels(i);
    best[static_cast<size_t>(i)] = scores.at(i, labels[0]);
  }
  std::vector<Detection> all;
  for (int64_t i : suppress(s, boxes, best, s.most)) {
    best_labels(i);
    for (int64_t k = 0; k < shown; ++k) all.push_back({i, labels[static_cast<size_t>(k)], scores.at(i, labels[static_cast<size_t>(k)])});
  }
  return all;
}

void run(const Node& node) {
  const Settings s(node);
  const Tensor scores = node.in(kScores);
  const std::vector<Box> boxes = decode(s, node.in(kEncodings), node.in(kAnchors).data<float>());
  const Scores table{scores.data<float>(), scores.dim(1), scores.dim(2), s.classes};
  const std::vector<Detection> found = s.regular ? by_class(s, boxes, table) : by_best_class(s, boxes, table);
  const auto fill = [&](uint32_t k, int64_t width, auto&& value) {
    if (!node.has_out(k)) return;
    float* y = node.out(k).mutable_data<float>();
    std::fill(y, y + s.rows() * width, 0.0f);
    for (size_t i = 0; i < found.size() && static_cast<int64_t>(i) < s.rows(); ++i) value(y + static_cast<int64_t>(i) * width, found[i]);
  };
  fill(0, 4, [&](float* y, const Detection& d) {
    const Box& b = boxes[static_cast<size_t>(d.box)];
    y[0] = b.y0, y[1] = b.x0, y[2] = b.y1, y[3] = b.x1;
  });
  fill(1, 1, [](float* y, const Detection& d) { *y = static_cast<float>(d.label); });
  fill(2, 1, [](float* y, const Detection& d) { *y = d.score; });
  if (node.has_out(3)) *node.out(3).mutable_data<float>() = static_cast<float>(found.size());
}

}  // namespace

TENON_OPERATOR("tenon", "DetectionPostProcess", 1, 0,
               "(encodings: f32, scores: f32, anchors: f32) -> (boxes: f32, classes?: f32, scores?: f32, count?: f32) {max_detections: int, num_classes: int, "
               "nms_iou_threshold: float, nms_score_threshold?: float, max_classes_per_detection?: int, detections_per_class?: int, use_regular_nms?: int, "
               "scales?: floats}",
               infer, run);
}  // namespace tenon::ops
