// SPDX-License-Identifier: Apache-2.0
// Resize along two neighbouring axes, nearest or linear; of images along height and width in any layout.
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

/// The first of two neighbouring axes that all resizing is along; nothing when there are others.
std::optional<size_t> first_axis(const Attrs& attrs, const Dims& in, const Dims& out) {
  const size_t rank = in.size();
  Dims axes = attrs.ints("axes");
  for (auto& a : axes) a = a < 0 ? a + static_cast<int64_t>(rank) : a;
  if (attrs.has("axes") && (axes.size() != 2 || axes[1] != axes[0] + 1)) return std::nullopt;
  auto same_but = [&](size_t k) {
    for (size_t i = 0; i < rank; ++i)
      if (i != k && i != k + 1 && in[i] != out[i]) return false;
    return true;
  };
  if (!axes.empty()) return same_but(static_cast<size_t>(axes[0])) ? std::optional(static_cast<size_t>(axes[0])) : std::nullopt;
  for (size_t k = rank - 1; k-- > 0;)
    if (same_but(k)) return k;
  return std::nullopt;
}

struct Resize {
  size_t axis;  ///< the first of the two
  Taps vertical, horizontal;
};

std::optional<Resize> read_resize(const Builder& b, const PlanNode& n) {
  const ValueId x = n.input(0), y = n.output();
  if (!n.posts.empty() || !b.is_f32(x) || !b.is_f32(y)) return std::nullopt;
  const Dims &in = b.value(x).dims, &out = b.value(y).dims;
  const std::string mode = n.attrs.s("mode", "nearest");
  if (in.size() < 2 || in.size() != out.size() || (mode != "nearest" && mode != "linear")) return std::nullopt;
  if (n.attrs.i("antialias") || n.attrs.i("exclude_outside") || n.attrs.s("keep_aspect_ratio_policy", "stretch") != "stretch") return std::nullopt;
  const auto axis = first_axis(n.attrs, in, out);
  if (!axis) return std::nullopt;
  float scale[2];
  for (size_t k = 0; k < 2; ++k) scale[k] = static_cast<float>(out[*axis + k]) / static_cast<float>(in[*axis + k]);
  if (n.has_in(2) && b.value(n.input(2)).count() > 0) {
    const size_t given = n.attrs.has("axes") ? 2 : in.size(), skip = n.attrs.has("axes") ? 0 : *axis;
    if (!b.is_constant(n.input(2)) || static_cast<size_t>(b.value(n.input(2)).count()) != given) return std::nullopt;
    for (size_t k = 0; k < given; ++k) {
      float s;
      std::memcpy(&s, static_cast<const char*>(b.value(n.input(2)).data) + k * sizeof s, sizeof s);
      if (k == skip || k == skip + 1) scale[k - skip] = s;
      else if (s != 1) return std::nullopt;
    }
  }
  auto vertical = taps(n, in[*axis], out[*axis], scale[0]), horizontal = taps(n, in[*axis + 1], out[*axis + 1], scale[1]);
  if (!vertical || !horizontal) return std::nullopt;
  return Resize{*axis, std::move(*vertical), std::move(*horizontal)};
}

int32_t match(const Builder& b, const PlanNode& n) { return read_resize(b, n) ? 100 : -1; }
std::optional<LayoutCosts> layouts(const Builder& b, const PlanNode& n) {
  const auto r = read_resize(b, n);
  return r && r->axis == 2 && b.value(n.input(0)).dims.size() == 4 ? streaming_costs(b, {n.input(0), n.output()}) : std::nullopt;
}
bool build(Builder& b, const PlanNode& n) {
  auto r = *read_resize(b, n);
  const Dims& d = b.value(n.input(0)).dims;
  const bool image = r.axis == 2 && d.size() == 4;
  const Layout l = image ? b.planned().value_or(b.home(n.input(0))) : Layout::plain;
  const int64_t block = block_of(l), height = d[r.axis], width = d[r.axis + 1], inner = product(d, r.axis + 2), outer = product(d) / std::max<int64_t>(height * width * inner, 1);
  ResizeStep s{b.read(n.input(0), l), b.write(n.output(), l), outer, height, width, inner, std::move(r.vertical), std::move(r.horizontal)};
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

void register_resize(KernelTable& t) { t.add({"cpu/resize", "Resize", match, build, layouts}); }

}  // namespace tenon::cpu
