// SPDX-License-Identifier: Apache-2.0
// Proposal: regions from the scores and offsets of a region proposal network (Faster R-CNN, Ren et al. 2015). Rows [batch, x1, y1, x2, y2] and
// their scores. Anchors are those of the original: squares of base_size given each ratio, rounded, then each scale.
#include "common/infer.hpp"

#include <cmath>

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  const Tensor scores = node.in(0), offsets = node.in(1);
  expect_rank(scores, 4, "the scores");
  expect_rank(offsets, 4, "the offsets");
  const auto anchors = static_cast<int64_t>(node.floats("ratio").size() * node.floats("scale").size());
  if (anchors < 1) throw invalid("a Proposal needs ratio and scale");
  if (scores.has_rank()) {
    same_dim(1, scores.dim(0), "batches of a Proposal");
    same_dim(2 * anchors, scores.dim(1), "channels of the scores and anchors");
  }
  if (offsets.has_rank()) same_dim(4 * anchors, offsets.dim(1), "channels of the offsets and anchors");
  for (int32_t k = 2; k < 4 && scores.has_rank() && offsets.has_rank(); ++k) same_dim(scores.dim(k), offsets.dim(k), "sizes of scores and offsets");
  const int64_t n = node.fresh_symbol();
  node.set_out(0, dt::f32, Dims{n, 5});
  node.set_out(1, dt::f32, Dims{n, 1});
}

struct Box {
  double x0, y0, x1, y1;
};

/// A box of this size around a centre; pixels count, so a side of w spans w - 1.
Box around(double x, double y, double w, double h) { return {x - 0.5 * (w - 1), y - 0.5 * (h - 1), x + 0.5 * (w - 1), y + 0.5 * (h - 1)}; }

std::vector<Box> anchors(const Node& node) {
  const double base = node.f("base_size", 16), center = 0.5 * (base - 1);
  std::vector<Box> r;
  for (double ratio : node.floats("ratio")) {
    const double w = std::nearbyint(std::sqrt(base * base / ratio)), h = std::nearbyint(w * ratio);
    const Box one = around(center, center, w, h);
    for (double scale : node.floats("scale")) r.push_back(around(one.x0 + 0.5 * (w - 1), one.y0 + 0.5 * (h - 1), w * scale, h * scale));
  }
  return r;
}

struct Region {
  Box box;
  float score;
};

Box moved(const Box& a, double dx, double dy, double dw, double dh, double width, double height) {
  const double w = a.x1 - a.x0 + 1, h = a.y1 - a.y0 + 1;
  const double x = dx * w + a.x0 + 0.5 * w, y = dy * h + a.y0 + 0.5 * h, pw = std::exp(dw) * w, ph = std::exp(dh) * h;
  auto clip = [](double v, double size) { return std::max(std::min(v, size - 1), 0.0); };
  return {clip(x - 0.5 * pw, width), clip(y - 0.5 * ph, height), clip(x + 0.5 * pw, width), clip(y + 0.5 * ph, height)};
}

double overlap(const Box& a, const Box& b) {
  auto area = [](const Box& q) { return (q.x1 - q.x0 + 1) * (q.y1 - q.y0 + 1); };
  const double w = std::max(0.0, std::min(a.x1, b.x1) - std::max(a.x0, b.x0) + 1), h = std::max(0.0, std::min(a.y1, b.y1) - std::max(a.y0, b.y0) + 1);
  return w * h / (area(a) + area(b) - w * h);
}

/// Boxes of every anchor at every place that are large enough.
std::vector<Region> candidates(const Node& node) {
  const Tensor scores = node.in(0), offsets = node.in(1);
  const auto all = anchors(node);
  const auto n = static_cast<int64_t>(all.size());
  const int64_t height = scores.dim(2), width = scores.dim(3), plane = height * width;
  const float* image = node.in(2).data<float>();
  if (node.in(2).count() < 3) fail("the image's description has a wrong size", "height, width and scale", shape_text(node.in(2)));
  const double stride = node.f("feat_stride", 16), least = node.f("min_size", 16) * image[2];
  std::vector<Region> r;
  for (int64_t i = 0; i < plane; ++i)
    for (int64_t a = 0; a < n; ++a) {
      const double x = static_cast<double>(i % width) * stride, y = static_cast<double>(i / width) * stride;
      const float* d = offsets.data<float>() + a * 4 * plane + i;
      Box b = all[static_cast<size_t>(a)];
      b = moved({b.x0 + x, b.y0 + y, b.x1 + x, b.y1 + y}, d[0], d[plane], d[2 * plane], d[3 * plane], image[1], image[0]);
      if (b.x1 - b.x0 + 1 >= least && b.y1 - b.y0 + 1 >= least) r.push_back({b, scores.data<float>()[(n + a) * plane + i]});
    }
  return r;
}

void run(const Node& node) {
  auto all = candidates(node);
  std::erase_if(all, [](const Region& r) { return std::isnan(r.score); });
  std::stable_sort(all.begin(), all.end(), [](const Region& a, const Region& b) { return a.score > b.score; });
  const int64_t before = node.i("pre_nms_topn", 6000), after = node.i("post_nms_topn", 300);
  if (before > 0 && static_cast<int64_t>(all.size()) > before) all.resize(static_cast<size_t>(before));
  const double limit = node.f("nms_thresh", 0.7f);
  std::vector<Region> kept;
  for (const auto& r : all) {
    if (after > 0 && static_cast<int64_t>(kept.size()) >= after) break;
    if (std::none_of(kept.begin(), kept.end(), [&](const Region& k) { return overlap(k.box, r.box) > limit; })) kept.push_back(r);
  }
  const auto n = static_cast<int64_t>(kept.size());
  float* to = node.alloc_out<float>(0, dt::f32, Dims{n, 5});
  float* score = node.has_out(1) ? node.alloc_out<float>(1, dt::f32, Dims{n, 1}) : nullptr;
  for (const auto& r : kept) {
    for (double v : {0.0, r.box.x0, r.box.y0, r.box.x1, r.box.y1}) *to++ = static_cast<float>(v);
    if (score) *score++ = r.score;
  }
}

}  // namespace

TENON_OPERATOR("tenon", "Proposal", 1, 0,
               "(scores: f32, offsets: f32, image: f32) -> (rois: f32, roi_scores?: f32) {feat_stride?: float, base_size?: float, min_size?: float, ratio: floats, "
               "scale: floats, pre_nms_topn?: int, post_nms_topn?: int, nms_thresh?: float}",
               infer, run);
}  // namespace tenon::ops
