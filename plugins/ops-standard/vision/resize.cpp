// SPDX-License-Identifier: Apache-2.0
// Resize: nearest, linear or cubic interpolation along any axes. Inputs: X, roi, scales or sizes, the latter three for all axes or
// for those of attribute `axes`.
#include "common/work.hpp"
#include "vision/resize_axis.hpp"

#include <array>

namespace tenon::ops {
namespace {

enum Input : uint32_t { kImage, kRoi, kScales, kSizes };

bool given(const Node& node, uint32_t k) {
  return node.has_in(k) && !(node.in(k).rank() == 1 && node.in(k).dim(0) == 0);
}

Dims resized_axes(const Node& node, int32_t rank) {
  Dims axes = node.ints("axes");
  if (!axes.empty()) return normalize_axes(axes, rank);
  for (int32_t i = 0; i < rank; ++i) axes.push_back(i);
  return axes;
}

void expect_length(size_t found, size_t wanted, const char* what) {
  if (found != wanted) fail(std::string(what) + " has a wrong length", std::to_string(wanted), std::to_string(found));
}

/// in * scale rounded down, for a number or, where the scale is a whole number or the reciprocal of one, for a symbol.
int64_t scaled(const Node& node, int64_t in, float scale) {
  if (!(scale > 0)) fail("a scale must be positive", "above 0", std::to_string(scale));
  if (in >= 0) return static_cast<int64_t>(std::floor(static_cast<float>(in) * scale));
  if (scale == std::floor(scale) && scale < 1e6f) return dim_mul(node, in, static_cast<int64_t>(scale));
  const float inverse = 1 / scale;
  return inverse == std::floor(inverse) && inverse < 1e6f ? dim_floordiv(node, in, static_cast<int64_t>(inverse)) : kUnknown;
}

enum class Keep { stretch, not_larger, not_smaller };
Keep keep_policy(const Node& node) {
  return parse_choice<Keep>(node.s("keep_aspect_ratio_policy", "stretch"), "keep_aspect_ratio_policy",
                            {{"stretch", Keep::stretch}, {"not_larger", Keep::not_larger}, {"not_smaller", Keep::not_smaller}});
}

/// The one scale for all axes that keeps the aspect ratio.
float common_scale(const Tensor& x, const Dims& axes, const Dims& sizes, Keep keep) {
  float best = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    const float s = static_cast<float>(sizes[i]) / static_cast<float>(x.dim(static_cast<int32_t>(axes[i])));
    best = i == 0 ? s : keep == Keep::not_larger ? std::min(best, s) : std::max(best, s);
  }
  return best;
}
int64_t round_half_up(float x) { return static_cast<int64_t>(std::floor(x + 0.5f)); }

void infer(const Node& node) {
  const Tensor x = node.in(kImage);
  const ResizeMode mode(node);
  const Keep keep = keep_policy(node);
  if (!x.has_rank()) return node.set_out_unranked(0, x.type());
  const Dims axes = resized_axes(node, x.rank());
  Dims y = x.dims().vec();
  if (given(node, kScales) && given(node, kSizes)) throw invalid("Resize takes scales or sizes, not both");
  if (given(node, kSizes)) {
    const auto sizes = dim_values(node, kSizes);
    if (sizes) expect_length(sizes->size(), axes.size(), "sizes");
    const bool numbers = sizes && std::all_of(sizes->begin(), sizes->end(), [](int64_t d) { return d >= 0; });
    bool fixed = true;
    for (int64_t a : axes) fixed = fixed && x.dim(static_cast<int32_t>(a)) > 0;
    const float scale = numbers && fixed && keep != Keep::stretch ? common_scale(x, axes, *sizes, keep) : 0;
    for (size_t i = 0; i < axes.size(); ++i) {
      int64_t& d = y[static_cast<size_t>(axes[i])];
      if (keep == Keep::stretch) d = sizes ? (*sizes)[i] : kUnknown;
      else d = scale > 0 ? round_half_up(scale * static_cast<float>(d)) : kUnknown;
    }
  } else if (given(node, kScales)) {
    if (node.in(kScales).type() != dt::f32) expect_type(node, kScales, dt::f32);
    const Tensor s = node.in(kScales);
    const bool known = s.has_data() && s.is_static();
    if (known) expect_length(static_cast<size_t>(s.count()), axes.size(), "scales");
    for (size_t i = 0; i < axes.size(); ++i) {
      int64_t& d = y[static_cast<size_t>(axes[i])];
      d = known ? scaled(node, d, s.data<float>()[i]) : kUnknown;
    }
  } else {
    throw invalid("Resize needs scales or sizes");
  }
  node.set_out(0, x.type(), y);
}

std::vector<ResizeAxis> make_axes(const Node& node) {
  const Tensor x = node.in(kImage), y = node.out(0);
  const Dims axes = resized_axes(node, x.rank());
  const Keep keep = keep_policy(node);
  std::vector<ResizeAxis> all(static_cast<size_t>(x.rank()));
  for (int32_t i = 0; i < x.rank(); ++i) {
    all[static_cast<size_t>(i)].in = x.dim(i);
    all[static_cast<size_t>(i)].out = y.dim(i);
  }
  const bool by_scales = given(node, kScales);
  const Dims sizes = by_scales ? Dims{} : node.in(kSizes).ints();
  const float kept = !by_scales && keep != Keep::stretch ? common_scale(x, axes, sizes, keep) : 0;
  const Operand<float> roi(given(node, kRoi) ? node.in(kRoi) : Tensor(nullptr));
  if (roi) expect_length(static_cast<size_t>(roi.count()), 2 * axes.size(), "roi");
  for (size_t i = 0; i < axes.size(); ++i) {
    ResizeAxis& a = all[static_cast<size_t>(axes[i])];
    a.scale = by_scales ? node.in(kScales).data<float>()[i] : kept > 0 ? kept : static_cast<float>(a.out) / static_cast<float>(a.in);
    if (roi) a.start = roi[static_cast<int64_t>(i)], a.end = roi[static_cast<int64_t>(i + axes.size())];
  }
  return all;
}

template <class T>
void run_nearest(const Node& node, const ResizeMode& mode, const std::vector<ResizeAxis>& axes) {
  const size_t rank = axes.size();
  std::vector<Dims> offset(rank);  // of each output position along each axis, -1 outside
  int64_t step = 1;
  for (size_t a = rank; a-- > 0; step *= axes[a].in)
    for (int64_t o = 0; o < axes[a].out; ++o) {
      const int64_t i = axes[a].nearest(mode, o);
      offset[a].push_back(i < 0 ? -1 : i * step);
    }
  const T* x = node.in(kImage).data<T>();
  T* y = node.out(0).mutable_data<T>();
  const T outside = convert<T>(mode.extrapolation);
  const int64_t width = rank ? axes.back().out : 1, rows = node.out(0).count() / std::max<int64_t>(1, width);
  auto row = [&](int64_t r) {
    int64_t base = 0, rest = r;
    for (size_t a = rank - std::min<size_t>(rank, 1); a-- > 0; rest /= axes[a].out) {
      const int64_t at = offset[a][static_cast<size_t>(rest % axes[a].out)];
      base = at < 0 || base < 0 ? -1 : base + at;
    }
    for (int64_t i = 0; i < width; ++i) {
      const int64_t at = rank ? offset[rank - 1][static_cast<size_t>(i)] : 0;
      y[r * width + i] = base < 0 || at < 0 ? outside : x[base + at];
    }
  };
  node.parallel_for(rows, std::max<int64_t>(1, 4096 / std::max<int64_t>(1, width)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row(r);
  });
}

/// One axis of a dense tensor, interpolated.
std::vector<double> resize_along(const Node& node, const ResizeMode& mode, const ResizeAxis& axis, const std::vector<double>& x, int64_t outer,
                                 int64_t inner) {
  const ResizeTaps taps = resize_taps(mode, axis);
  std::vector<double> y(static_cast<size_t>(outer * axis.out * inner));
  node.parallel_for(outer * axis.out, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      double* to = y.data() + r * inner;
      const double* from = x.data() + r / axis.out * axis.in * inner;
      const size_t o = static_cast<size_t>(r % axis.out);
      if (taps.begin[o] == taps.begin[o + 1]) std::fill_n(to, inner, mode.extrapolation);
      for (int64_t t = taps.begin[o]; t < taps.begin[o + 1]; ++t) {
        const double* line = from + taps.position[static_cast<size_t>(t)] * inner;
        const double w = taps.weight[static_cast<size_t>(t)];
        for (int64_t i = 0; i < inner; ++i) to[i] += w * line[i];
      }
    }
  });
  return y;
}

template <class T>
void run_weighted(const Node& node, const ResizeMode& mode, const std::vector<ResizeAxis>& axes) {
  const T* x = node.in(kImage).data<T>();
  std::vector<double> data(static_cast<size_t>(node.in(kImage).count()));
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<double>(static_cast<compute_t<T>>(x[i]));
  for (size_t a = 0; a < axes.size(); ++a) {
    if (axes[a].in == axes[a].out && axes[a].scale == 1 && mode.transform != Transform::tf_crop_and_resize) continue;
    int64_t outer = 1, inner = 1;
    for (size_t i = 0; i < a; ++i) outer *= axes[i].out;
    for (size_t i = a + 1; i < axes.size(); ++i) inner *= axes[i].in;
    data = resize_along(node, mode, axes[a], data, outer, inner);
  }
  T* y = node.out(0).mutable_data<T>();
  for (size_t i = 0; i < data.size(); ++i) y[i] = convert<T>(data[i]);
}

void run(const Node& node) {
  const ResizeMode mode(node);
  if (node.out(0).count() == 0) return;
  if (node.in(kImage).count() == 0) throw invalid("an empty image cannot be resized to one that is not empty");
  const auto axes = make_axes(node);
  visit<NumericAndBoolTypes>(node.in(kImage).type(), [&]<class T>(Tag<T>) {
    if (mode.interpolation == Interpolation::nearest) run_nearest<T>(node, mode, axes);
    else run_weighted<T>(node, mode, axes);
  });
}

}  // namespace

TENON_OPERATOR("tenon", "Resize", 1, 0,
               "(X: T(num|bool), roi?: R(float), scales?: f32, sizes?: i64) -> (Y: T) {mode?: string, coordinate_transformation_mode?: string, "
               "nearest_mode?: string, antialias?: int, axes?: ints, cubic_coeff_a?: float, exclude_outside?: int, extrapolation_value?: float, "
               "keep_aspect_ratio_policy?: string}",
               infer, run);
}  // namespace tenon::ops
