// SPDX-License-Identifier: Apache-2.0
// resize_axis.hpp - Resize along one axis: which input positions an output position reads, and with which weights.
// Coordinates are computed in float, as other engines do, because floor() and round() decide on their last bit.
#pragma once
#include "common/infer.hpp"

#include <cmath>

namespace tenon::ops {

enum class Transform { half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric, tf_crop_and_resize, tf_half_pixel_for_nn };
enum class Interpolation { nearest, linear, cubic };
enum class Nearest { round_prefer_floor, round_prefer_ceil, floor, ceil };

/// The entry of `all` called `name`.
template <class E, size_t N>
E parse_choice(const std::string& name, const char* what, const std::pair<const char*, E> (&all)[N]) {
  std::string expected;
  for (const auto& [known, value] : all) {
    if (name == known) return value;
    expected += (expected.empty() ? "" : ", ") + std::string(known);
  }
  throw invalid(std::string(what) + " is not known").with("expected", expected).with("found", name);
}

struct ResizeMode {
  Transform transform;
  Interpolation interpolation;
  Nearest nearest;
  bool antialias, exclude_outside;
  double cubic_a, extrapolation;
  explicit ResizeMode(const Node& n)
      : transform(parse_choice<Transform>(n.s("coordinate_transformation_mode", "half_pixel"), "coordinate_transformation_mode",
                                          {{"half_pixel", Transform::half_pixel}, {"tf_half_pixel_for_nn", Transform::tf_half_pixel_for_nn}, {"half_pixel_symmetric", Transform::half_pixel_symmetric},
                                           {"pytorch_half_pixel", Transform::pytorch_half_pixel}, {"align_corners", Transform::align_corners},
                                           {"asymmetric", Transform::asymmetric}, {"tf_crop_and_resize", Transform::tf_crop_and_resize}})),
        interpolation(parse_choice<Interpolation>(n.s("mode", "nearest"), "mode",
                                                  {{"nearest", Interpolation::nearest}, {"linear", Interpolation::linear}, {"cubic", Interpolation::cubic}})),
        nearest(parse_choice<Nearest>(n.s("nearest_mode", "round_prefer_floor"), "nearest_mode",
                                      {{"round_prefer_floor", Nearest::round_prefer_floor}, {"round_prefer_ceil", Nearest::round_prefer_ceil},
                                       {"floor", Nearest::floor}, {"ceil", Nearest::ceil}})),
        antialias(n.i("antialias") != 0), exclude_outside(n.i("exclude_outside") != 0), cubic_a(n.f("cubic_coeff_a", -0.75)),
        extrapolation(n.f("extrapolation_value", 0)) {}
};

/// One axis: sizes, scale (output / input) and region of interest (for tf_crop_and_resize).
struct ResizeAxis {
  int64_t in = 1, out = 1;
  float scale = 1, start = 0, end = 1;

  float source(const ResizeMode& mode, int64_t i) const {
    const float x = static_cast<float>(i), length = static_cast<float>(in), last = static_cast<float>(in - 1);
    const float half_pixel = (x + 0.5f) / scale - 0.5f;
    switch (mode.transform) {
      case Transform::half_pixel: return half_pixel;
      case Transform::tf_half_pixel_for_nn: return (x + 0.5f) / scale;  // opset 11 and 12 only
      case Transform::half_pixel_symmetric: {
        const float adjustment = static_cast<float>(out) / (scale * length);
        return length / 2 * (1 - adjustment) + half_pixel;
      }
      case Transform::pytorch_half_pixel: return out > 1 ? half_pixel : 0;
      case Transform::align_corners: return out > 1 ? x * last / static_cast<float>(out - 1) : 0;
      case Transform::asymmetric: return x / scale;
      case Transform::tf_crop_and_resize:
        return out > 1 ? start * last + x * (end - start) * last / static_cast<float>(out - 1) : 0.5f * (start + end) * last;
    }
    return half_pixel;
  }
  bool outside(const ResizeMode& mode, float x) const {
    return mode.transform == Transform::tf_crop_and_resize && (x < 0 || x > static_cast<float>(in - 1));
  }
  /// Input position for output position i, -1 where the extrapolation value goes.
  int64_t nearest(const ResizeMode& mode, int64_t i) const {
    const float x = source(mode, i);
    if (outside(mode, x)) return -1;
    float r = 0;
    switch (mode.nearest) {
      case Nearest::floor: r = std::floor(x); break;
      case Nearest::ceil: r = std::ceil(x); break;
      case Nearest::round_prefer_ceil: r = std::floor(x + 0.5f); break;
      case Nearest::round_prefer_floor: r = std::ceil(x - 0.5f); break;
    }
    return std::clamp<int64_t>(static_cast<int64_t>(r), 0, in - 1);
  }
};

/// For each output position a run of taps: input position and weight. No taps: the extrapolation value.
struct ResizeTaps {
  std::vector<int64_t> begin, position;
  std::vector<double> weight;
};

inline double resize_weight(const ResizeMode& mode, double distance) {
  const double x = std::fabs(distance), a = mode.cubic_a;
  if (mode.interpolation == Interpolation::linear) return x < 1 ? 1 - x : 0;
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

inline ResizeTaps resize_taps(const ResizeMode& mode, const ResizeAxis& axis) {
  ResizeTaps taps;
  const double support = mode.interpolation == Interpolation::linear ? 1 : 2;
  const double shrink = mode.antialias ? std::min(1.0, static_cast<double>(axis.scale)) : 1;
  for (int64_t o = 0; o < axis.out; ++o) {
    taps.begin.push_back(static_cast<int64_t>(taps.weight.size()));
    const float x = axis.source(mode, o);
    if (axis.outside(mode, x)) continue;
    const size_t first = taps.weight.size();
    double sum = 0;
    for (int64_t k = static_cast<int64_t>(std::floor(x - support / shrink)); k <= static_cast<int64_t>(std::ceil(x + support / shrink)); ++k) {
      const double w = resize_weight(mode, (static_cast<double>(k) - x) * shrink);
      if (w == 0 || (mode.exclude_outside && (k < 0 || k >= axis.in))) continue;
      taps.position.push_back(std::clamp<int64_t>(k, 0, axis.in - 1));
      taps.weight.push_back(w);
      sum += w;
    }
    if (mode.antialias || mode.exclude_outside)
      for (size_t i = first; i < taps.weight.size(); ++i) taps.weight[i] /= sum;
  }
  taps.begin.push_back(static_cast<int64_t>(taps.weight.size()));
  return taps;
}

}  // namespace tenon::ops
