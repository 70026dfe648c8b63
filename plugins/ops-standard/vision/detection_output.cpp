// SPDX-License-Identifier: Apache-2.0
// DetectionOutput: the detections of SSD (Liu et al. 2016) from predicted offsets, scores and prior boxes. Rows of [image, class, score,
// xmin, ymin, xmax, ymax], [1, 1, N, 7]; where there is none in any image, one row [image, -1, ...] for each. Arithmetic is in float, as in
// the original.
#include "common/infer.hpp"

#include <cmath>

namespace tenon::ops {
namespace {

struct Box {
  float x0, y0, x1, y1;
  float width() const { return x1 - x0; }
  float height() const { return y1 - y0; }
  float area() const { return x1 < x0 || y1 < y0 ? 0.0f : width() * height(); }
};

float overlap(const Box& a, const Box& b) {
  if (b.x0 > a.x1 || b.x1 < a.x0 || b.y0 > a.y1 || b.y1 < a.y0) return 0;
  const float w = std::min(a.x1, b.x1) - std::max(a.x0, b.x0), h = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  return w > 0 && h > 0 ? w * h / (a.area() + b.area() - w * h) : 0.0f;
}

struct Settings {
  int64_t classes, background, top_k, keep_top_k;
  bool shared, encoded;
  float least, limit, eta;
  std::string code;
  explicit Settings(const Node& node)
      : classes(node.i("num_classes")), background(node.i("background_label_id", 0)), top_k(node.i("top_k", -1)), keep_top_k(node.i("keep_top_k", -1)),
        shared(node.i("share_location", 1) != 0), encoded(node.i("variance_encoded_in_target", 0) != 0),
        least(static_cast<float>(node.f("confidence_threshold", -std::numeric_limits<float>::max()))), limit(static_cast<float>(node.f("nms_threshold", 0.3f))),
        eta(static_cast<float>(node.f("eta", 1))), code(node.s("code_type", "CORNER")) {
    if (classes < 1) fail("num_classes is out of range", "at least 1", std::to_string(classes));
    if (code != "CORNER" && code != "CENTER_SIZE" && code != "CORNER_SIZE") fail("code_type is not known", "CORNER, CENTER_SIZE or CORNER_SIZE", code);
    if (!(eta > 0 && eta <= 1)) fail("eta is out of range", "more than 0 and at most 1", std::to_string(eta));
  }
  int64_t loc_classes() const { return shared ? 1 : classes; }
};

void infer(const Node& node) {
  const Settings s(node);
  const Tensor loc = node.in(0), conf = node.in(1), prior = node.in(2);
  expect_rank_at_least(loc, 2, "the locations");
  expect_rank_at_least(conf, 2, "the scores");
  expect_rank(prior, 3, "the prior boxes");
  if (loc.has_rank() && conf.has_rank()) same_dim(loc.dim(0), conf.dim(0), "batches of locations and scores");
  if (prior.has_rank()) same_dim(2, prior.dim(1), "rows of the prior boxes");
  if (prior.has_rank() && prior.dim(2) >= 0) {
    const int64_t n = prior.dim(2) / 4;
    auto each = [&](const Tensor& t) { return t.has_rank() ? dim_product(node, Span<int64_t>(t.dims().p + 1, t.dims().n - 1)) : kUnknown; };
    same_dim(n * s.loc_classes() * 4, each(loc), "locations of a sample and the prior boxes");
    same_dim(n * s.classes, each(conf), "scores of a sample and the prior boxes");
  }
  node.set_out(0, dt::f32, Dims{1, 1, node.fresh_symbol(), 7});
}

/// `loc` is an offset from the prior box; its four variances scale it unless the target was scaled by them already.
Box decode(const Settings& s, const Box& prior, const float* variance, const float* loc) {
  const float one[4] = {1, 1, 1, 1};
  const float* v = s.encoded ? one : variance;
  if (s.code == "CORNER") return {prior.x0 + v[0] * loc[0], prior.y0 + v[1] * loc[1], prior.x1 + v[2] * loc[2], prior.y1 + v[3] * loc[3]};
  const float w = prior.width(), h = prior.height();
  if (s.code == "CORNER_SIZE") return {prior.x0 + v[0] * loc[0] * w, prior.y0 + v[1] * loc[1] * h, prior.x1 + v[2] * loc[2] * w, prior.y1 + v[3] * loc[3] * h};
  const float center_x = v[0] * loc[0] * w + (prior.x0 + prior.x1) / 2, center_y = v[1] * loc[1] * h + (prior.y0 + prior.y1) / 2;
  const float bw = std::exp(v[2] * loc[2]) * w, bh = std::exp(v[3] * loc[3]) * h;
  return {center_x - bw / 2, center_y - bh / 2, center_x + bw / 2, center_y + bh / 2};
}

struct Detection {
  int64_t label, prior;
  float score;
  Box box;
};

bool better(const Detection& a, const Detection& b) { return a.score > b.score; }

/// Non-maximum suppression of one class; with eta below 1 the threshold shrinks while it is above 0.5.
void suppress(const Settings& s, std::vector<Detection> all, std::vector<Detection>* kept) {
  std::stable_sort(all.begin(), all.end(), better);
  if (s.top_k > -1 && static_cast<int64_t>(all.size()) > s.top_k) all.resize(static_cast<size_t>(s.top_k));
  float limit = s.limit;
  const size_t first = kept->size();
  for (const auto& d : all) {
    const bool clear = std::all_of(kept->begin() + static_cast<int64_t>(first), kept->end(), [&](const Detection& k) { return overlap(d.box, k.box) <= limit; });
    if (!clear) continue;
    kept->push_back(d);
    if (s.eta < 1 && limit > 0.5f) limit *= s.eta;
  }
}

/// Detections of one sample: by class, within it by falling score.
std::vector<Detection> detect(const Settings& s, const float* loc, const float* conf, const float* prior, int64_t n) {
  std::vector<Detection> kept;
  for (int64_t c = 0; c < s.classes; ++c) {
    if (c == s.background) continue;
    std::vector<Detection> all;
    for (int64_t p = 0; p < n; ++p) {
      const float score = conf[p * s.classes + c];
      if (!(score > s.least)) continue;
      const float* b = prior + p * 4;
      all.push_back({c, p, score, decode(s, {b[0], b[1], b[2], b[3]}, b + n * 4, loc + (p * s.loc_classes() + (s.shared ? 0 : c)) * 4)});
    }
    suppress(s, std::move(all), &kept);
  }
  if (s.keep_top_k < 0 || static_cast<int64_t>(kept.size()) <= s.keep_top_k) return kept;
  std::stable_sort(kept.begin(), kept.end(), better);
  kept.resize(static_cast<size_t>(s.keep_top_k));
  std::stable_sort(kept.begin(), kept.end(), [](const Detection& a, const Detection& b) { return a.label < b.label; });
  return kept;
}

void run(const Node& node) {
  const Settings s(node);
  const Tensor loc = node.in(0), conf = node.in(1), prior = node.in(2);
  const int64_t samples = loc.dim(0), n = prior.dim(2) / 4;
  if (loc.count() != samples * n * s.loc_classes() * 4 || conf.count() != samples * n * s.classes)
    fail("locations and scores do not fit the prior boxes", std::to_string(n) + " boxes", shape_text(loc) + " and " + shape_text(conf));
  std::vector<std::pair<int64_t, Detection>> rows;
  for (int64_t i = 0; i < samples; ++i)
    for (const auto& d : detect(s, loc.data<float>() + i * n * s.loc_classes() * 4, conf.data<float>() + i * n * s.classes, prior.data<float>(), n)) rows.emplace_back(i, d);
  const bool none = rows.empty();
  for (int64_t i = 0; none && i < samples; ++i) rows.push_back({i, {-1, 0, -1, {-1, -1, -1, -1}}});
  float* to = node.alloc_out<float>(0, dt::f32, Dims{1, 1, static_cast<int64_t>(rows.size()), 7});
  for (const auto& [image, d] : rows)
    for (float v : {static_cast<float>(image), static_cast<float>(d.label), d.score, d.box.x0, d.box.y0, d.box.x1, d.box.y1}) *to++ = v;
}

}  // namespace

TENON_OPERATOR("tenon", "DetectionOutput", 1, 0,
               "(loc: f32, conf: f32, prior: f32) -> (detections: f32) {num_classes: int, share_location?: int, background_label_id?: int, "
               "code_type?: string, variance_encoded_in_target?: int, nms_threshold?: float, eta?: float, top_k?: int, keep_top_k?: int, "
               "confidence_threshold?: float}",
               infer, run);
}  // namespace tenon::ops
