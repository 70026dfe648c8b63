// SPDX-License-Identifier: Apache-2.0
// PriorBox: the default boxes of each cell of a feature map (SSD, Liu et al. 2016), as corners relative to the image, and their
// variances: [1, 2, H * W * boxes * 4]. Of each size: a square of min_size, one of sqrt(min_size * max_size), then one for each aspect
// ratio but 1. Arithmetic is in float, as in the original.
#include "common/infer.hpp"

#include <cmath>

namespace tenon::ops {
namespace {

/// 1, then the given ratios without repetitions, each followed by its inverse where flip is set.
std::vector<float> ratios(const Node& node) {
  std::vector<float> r = {1.0f};
  const bool flip = node.i("flip", 1) != 0;
  for (double value : node.floats("aspect_ratio")) {
    const float ratio = static_cast<float>(value);
    if (!(ratio > 0)) fail("an aspect ratio is not positive", "more than 0", std::to_string(ratio));
    if (std::any_of(r.begin(), r.end(), [&](float x) { return std::fabs(ratio - x) < 1e-6; })) continue;
    r.push_back(ratio);
    if (flip) r.push_back(static_cast<float>(1.0 / ratio));
  }
  return r;
}

struct Sizes {
  std::vector<double> min, max;
  explicit Sizes(const Node& node) : min(node.floats("min_size")), max(node.floats("max_size")) {
    if (min.empty()) throw invalid("a PriorBox needs min_size");
    if (!max.empty() && max.size() != min.size()) fail("max_size has a wrong length", std::to_string(min.size()), std::to_string(max.size()));
  }
};

int64_t boxes_of_a_cell(const Node& node) {
  const Sizes s(node);
  return static_cast<int64_t>(ratios(node).size() * s.min.size() + s.max.size());
}

void infer(const Node& node) {
  const Tensor x = node.in(0);
  expect_rank(x, 4, "the feature map");
  const bool sized = node.i("image_height") > 0 && node.i("image_width") > 0;
  if (!sized && !node.has_in(1)) throw invalid("a PriorBox needs an image or its size");
  if (node.has_in(1)) expect_rank(node.in(1), 4, "the image");
  if (const auto v = node.floats("variance"); !v.empty() && v.size() != 1 && v.size() != 4) fail("variance has a wrong length", "1 or 4", std::to_string(v.size()));
  const int64_t cells = x.has_rank() ? dim_mul(node, x.dim(2), x.dim(3)) : kUnknown;
  node.set_out(0, dt::f32, Dims{1, 2, cells == kUnknown ? kUnknown : dim_mul(node, cells, 4 * boxes_of_a_cell(node))});
}

/// Widths and heights of the boxes of a cell, in order.
std::vector<std::pair<float, float>> shapes(const Node& node) {
  const Sizes s(node);
  const auto all = ratios(node);
  std::vector<std::pair<float, float>> r;
  for (size_t k = 0; k < s.min.size(); ++k) {
    const float side = static_cast<float>(s.min[k]);
    r.emplace_back(side, side);
    if (!s.max.empty()) {
      const float middle = static_cast<float>(std::sqrt(s.min[k] * s.max[k]));
      r.emplace_back(middle, middle);
    }
    for (float ratio : all)
      if (std::fabs(ratio - 1.0) >= 1e-6) r.emplace_back(side * std::sqrt(ratio), side / std::sqrt(ratio));
  }
  return r;
}

void run(const Node& node) {
  const int64_t height = node.in(0).dim(2), width = node.in(0).dim(3);
  int64_t image_h = node.i("image_height"), image_w = node.i("image_width");
  if (image_h <= 0 || image_w <= 0) image_h = node.in(1).dim(2), image_w = node.in(1).dim(3);
  float step_h = static_cast<float>(node.f("step_h")), step_w = static_cast<float>(node.f("step_w"));
  if (step_h == 0 || step_w == 0) step_h = static_cast<float>(image_h) / static_cast<float>(height), step_w = static_cast<float>(image_w) / static_cast<float>(width);
  const float offset = static_cast<float>(node.f("offset", 0.5));
  const auto boxes = shapes(node);
  float* y = node.out(0).mutable_data<float>();
  const int64_t half = node.out(0).count() / 2;
  float* to = y;
  for (int64_t h = 0; h < height; ++h)
    for (int64_t w = 0; w < width; ++w) {
      const float center_x = (static_cast<float>(w) + offset) * step_w, center_y = (static_cast<float>(h) + offset) * step_h;
      for (const auto& [box_w, box_h] : boxes) {
        *to++ = static_cast<float>((center_x - box_w / 2.0) / static_cast<double>(image_w));
        *to++ = static_cast<float>((center_y - box_h / 2.0) / static_cast<double>(image_h));
        *to++ = static_cast<float>((center_x + box_w / 2.0) / static_cast<double>(image_w));
        *to++ = static_cast<float>((center_y + box_h / 2.0) / static_cast<double>(image_h));
      }
    }
  if (node.i("clip") != 0)
    for (int64_t i = 0; i < half; ++i) y[i] = std::min(std::max(y[i], 0.0f), 1.0f);
  auto variance = node.floats("variance", {0.1});
  if (variance.size() == 1) variance.assign(4, variance[0]);
  for (int64_t i = 0; i < half; ++i) y[half + i] = static_cast<float>(variance[static_cast<size_t>(i % 4)]);
}

}  // namespace

TENON_OPERATOR("tenon", "PriorBox", 1, 0,
               "(X: any, image?: any) -> (boxes: f32) {min_size: floats, max_size?: floats, aspect_ratio?: floats, flip?: int, clip?: int, "
               "variance?: floats, image_height?: int, image_width?: int, step_h?: float, step_w?: float, offset?: float}",
               infer, run);
}  // namespace tenon::ops
