// SPDX-License-Identifier: Apache-2.0
// Resize of images along height and width, nearest or linear, in any layout.
#include <cmath>

#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../simd/elementwise_simd.hpp"

namespace tenon::cpu {
namespace {

/// Input position of each output position, and for linear the share of the next one.
struct Taps {
  std::vector<int64_t> low, high;
  std::vector<float> share;
};

/// In float, as other engines do it: floor() and round() decide on the last bit.
std::optional<float> source(const std::string& mode, float x, float scale, int64_t in, int64_t out) {
  const float half_pixel = (x + 0.5f) / scale - 0.5f;
  if (mode == "half_pixel") return half_pixel;
  if (mode == "pytorch_half_pixel") return out > 1 ? half_pixel : 0;
  if (mode == "asymmetric") return x / scale;
  if (mode == "align_corners") return out > 1 ? x * static_cast<float>(in - 1) / static_cast<float>(out - 1) : 0;
  return std::nullopt;
}

std::optional<Taps> taps(const PlanNode& n, int64_t in, int64_t out, float scale) {
  const std::string transform = n.attrs.s("coordinate_transformation_mode", "half_pixel"), mode = n.attrs.s("mode", "nearest");
  const std::string rounding = n.attrs.s("nearest_mode", "round_prefer_floor");
  Taps t;
  auto inside = [&](float x) { return std::min<int64_t>(std::max<int64_t>(static_cast<int64_t>(x), 0), in - 1); };
  for (int64_t i = 0; i < out; ++i) {
    const auto x = source(transform, static_cast<float>(i), scale, in, out);
    if (!x) return std::nullopt;
    if (mode == "linear") {
      const float low = std::floor(*x);
      t.low.push_back(inside(low));
      t.high.push_back(inside(low + 1));
      t.share.push_back(*x - low);
      continue;
    }
    float r;
    if (rounding == "floor") r = std::floor(*x);
    else if (rounding == "ceil") r = std::ceil(*x);
    else if (rounding == "round_prefer_ceil") r = std::floor(*x + 0.5f);
    else if (rounding == "round_prefer_floor") r = std::ceil(*x - 0.5f);
    else return std::nullopt;
    t.low.push_back(inside(r));
  }
  return t;
}

struct ResizeStep {
  SlotId x, y;
  int64_t outer, height, width, inner;  ///< of the input; inner: channels that lie together
  Taps vertical, horizontal;

  void run(const Run& r) const {
    const auto out_height = static_cast<int64_t>(vertical.low.size()), out_width = static_cast<int64_t>(horizontal.low.size());
    const float* in = r.at<float>(x);
    float* out = r.at<float>(y);
    parallel_for(outer * out_height, std::max<int64_t>(1, 8192 / (out_width * inner)), [&](int64_t begin, int64_t end) {
      std::vector<float> blended;
      for (int64_t u = begin; u < end; ++u) {
        const auto row = static_cast<size_t>(u % out_height);
        const float* image = in + u / out_height * height * width * inner;
        float* to = out + u * out_width * inner;
        const float* low = image + vertical.low[row] * width * inner;
        if (vertical.share.empty()) {
          nearest_row(low, to);
          continue;
        }
        blended.resize(static_cast<size_t>(width * inner));
        lerp(low, image + vertical.high[row] * width * inner, vertical.share[row], blended.data(), blended.size());
        linear_row(blended.data(), to);
      }
    });
  }
  void nearest_row(const float* from, float* to) const {
    const size_t n = horizontal.low.size();
    if (inner == 1)
      for (size_t i = 0; i < n; ++i) to[i] = from[horizontal.low[i]];
    else
      for (size_t i = 0; i < n; ++i) std::memcpy(to + static_cast<int64_t>(i) * inner, from + horizontal.low[i] * inner, static_cast<size_t>(inner) * sizeof(float));
  }
  void linear_row(const float* from, float* to) const {
    const size_t n = horizontal.low.size();
    if (inner == 1)
      for (size_t i = 0; i < n; ++i) {
        const float a = from[horizontal.low[i]], b = from[horizontal.high[i]];
        to[i] = a + (b - a) * horizontal.share[i];
      }
    else
      for (size_t i = 0; i < n; ++i)
        lerp(from + horizontal.low[i] * inner, from + horizontal.high[i] * inner, horizontal.share[i], to + static_cast<int64_t>(i) * inner, static_cast<size_t>(inner));
  }
};

/// No axes, or height and width in this order.
bool spatial_axes(const Attrs& attrs) {
  if (!attrs.has("axes")) return true;
  Dims axes = attrs.ints("axes");
  for (auto& a : axes) a = a < 0 ? a + 4 : a;
  return axes == Dims{2, 3};
}

std::optional<std::pair<Taps, Taps>> read_resize(const Builder& b, const PlanNode& n) {
  const ValueId x = n.input(0), y = n.output();
  if (!n.posts.empty() || !b.is_f32(x) || !b.is_f32(y)) return std::nullopt;
  const Dims &in = b.value(x).dims, &out = b.value(y).dims;
  const std::string mode = n.attrs.s("mode", "nearest");
  if (in.size() != 4 || in[0] != out[0] || in[1] != out[1] || (mode != "nearest" && mode != "linear")) return std::nullopt;
  if (n.attrs.i("antialias") || n.attrs.i("exclude_outside") || !spatial_axes(n.attrs) || n.attrs.s("keep_aspect_ratio_policy", "stretch") != "stretch") return std::nullopt;
  float scale[2] = {static_cast<float>(out[2]) / static_cast<float>(in[2]), static_cast<float>(out[3]) / static_cast<float>(in[3])};
  if (n.has_in(2) && b.value(n.input(2)).count() > 0) {
    const int64_t given = n.attrs.has("axes") ? 2 : 4;
    if (!b.is_constant(n.input(2)) || b.value(n.input(2)).count() != given) return std::nullopt;
    std::memcpy(scale, static_cast<const char*>(b.value(n.input(2)).data) + static_cast<uint64_t>(given - 2) * sizeof(float), sizeof scale);
  }
  auto vertical = taps(n, in[2], out[2], scale[0]), horizontal = taps(n, in[3], out[3], scale[1]);
  if (!vertical || !horizontal) return std::nullopt;
  return std::pair{*vertical, *horizontal};
}

int32_t match(const Builder& b, const PlanNode& n) { return read_resize(b, n) ? 100 : -1; }
bool build(Builder& b, const PlanNode& n) {
  auto both = *read_resize(b, n);
  const Dims& d = b.value(n.input(0)).dims;
  const Layout l = b.home(n.input(0));
  const int64_t block = block_of(l);
  ResizeStep s{b.read(n.input(0), l), b.write(n.output(), l), d[0] * d[1], d[2], d[3], 1, both.first, both.second};
  if (l == Layout::channels_last) {
    s.outer = d[0];
    s.inner = d[1];
  } else if (block > 1) {
    s.outer = d[0] * round_up(d[1], block) / block;
    s.inner = block;
  }
  const SlotId x = s.x, y = s.y;
  b.step("cpu/resize", std::move(s), {x}, {y}, b.threads_for(static_cast<double>(b.value(n.output()).count()) * 40));
  return true;
}

}  // namespace

void register_resize(KernelTable& t) { t.add({"cpu/resize", "Resize", match, build}); }

}  // namespace tenon::cpu
