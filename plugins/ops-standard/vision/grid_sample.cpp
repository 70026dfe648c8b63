// SPDX-License-Identifier: Apache-2.0
// GridSample: samples N C D1 D2.. at the positions of a grid N O1 O2.. r, whose coordinates are in [-1, 1], the last axis first.
#include "common/infer.hpp"
#include "common/work.hpp"
#include "vision/resize_axis.hpp"

namespace tenon::ops {
namespace {

enum class Padding { zeros, border, reflection };

void infer(const Node& node) {
  const Tensor x = node.in(0), grid = node.in(1);
  expect_rank_at_least(x, 3, "the input");
  if (!x.has_rank() && !grid.has_rank()) return node.set_out_unranked(0, x.type());
  const int32_t rank = x.has_rank() ? x.rank() : grid.rank();
  expect_rank(grid, rank, "the grid");
  Dims d(static_cast<size_t>(rank), kUnknown);
  if (x.has_rank()) d[0] = x.dim(0), d[1] = x.dim(1);
  if (grid.has_rank()) {
    same_dim(rank - 2, grid.dim(-1), "spatial axes and coordinates of a grid point");
    d[0] = same_dim(d[0], grid.dim(0), "batches of the input and the grid");
    for (int32_t i = 2; i < rank; ++i) d[static_cast<size_t>(i)] = grid.dim(i - 1);
  }
  node.set_out(0, x.type(), d);
}

struct Sampler {
  Interpolation mode;
  Padding padding;
  bool align_corners;
  explicit Sampler(const Node& n)
      : mode(parse_choice<Interpolation>(n.s("mode", "linear"), "mode",
                                         {{"linear", Interpolation::linear}, {"nearest", Interpolation::nearest}, {"cubic", Interpolation::cubic}})),
        padding(parse_choice<Padding>(n.s("padding_mode", "zeros"), "padding_mode",
                                      {{"zeros", Padding::zeros}, {"border", Padding::border}, {"reflection", Padding::reflection}})),
        align_corners(n.i("align_corners") != 0) {}

  double position(double v, int64_t size) const {
    const double n = static_cast<double>(size);
    return align_corners ? (v + 1) / 2 * (n - 1) : ((v + 1) * n - 1) / 2;
  }
  /// Position folded back into the axis.
  double reflected(double v, int64_t size) const {
    const double low = align_corners ? 0 : -0.5, high = align_corners ? static_cast<double>(size - 1) : static_cast<double>(size) - 0.5, range = high - low;
    if (range <= 0) return 0;
    double t = std::fmod(std::fabs(v - low), 2 * range);
    if (t > range) t = 2 * range - t;
    return low + t;
  }
  /// Index of element i, or -1 where zeros are.
  int64_t index(int64_t i, int64_t size) const {
    if (i >= 0 && i < size) return i;
    if (padding == Padding::zeros) return -1;
    if (padding == Padding::border) return std::clamp<int64_t>(i, 0, size - 1);
    return std::clamp<int64_t>(static_cast<int64_t>(std::llround(reflected(static_cast<double>(i), size))), 0, size - 1);
  }
  /// Elements and weights along one axis for a position.
  void taps(double v, int64_t size, std::vector<std::pair<int64_t, double>>& to) const {
    to.clear();
    double p = position(v, size);
    if (!(std::fabs(p) < 1e15)) p = -100;  // not a number or far away: outside
    if (mode == Interpolation::nearest) p = std::nearbyint(p);
    if (padding == Padding::border) p = mode == Interpolation::cubic ? p : std::clamp(p, 0.0, static_cast<double>(size - 1));
    if (padding == Padding::reflection && mode != Interpolation::cubic) {
      p = std::clamp(reflected(p, size), 0.0, static_cast<double>(size - 1));
      if (mode == Interpolation::nearest) p = std::nearbyint(p);
    }
    const int64_t base = static_cast<int64_t>(std::floor(p));
    const double f = p - static_cast<double>(base);
    if (mode == Interpolation::nearest) return to.emplace_back(index(base, size), 1.0), void();
    if (mode == Interpolation::linear) {
      to.emplace_back(index(base, size), 1 - f);
      to.emplace_back(index(base + 1, size), f);
      return;
    }
    for (int64_t k = -1; k <= 2; ++k) to.emplace_back(index(base + k, size), cubic(static_cast<double>(k) - f));
  }
  static double cubic(double distance) {
    const double x = std::fabs(distance), a = -0.75;
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
  }
};

/// One grid point: the flattened elements that it reads and their weights.
using Taps = std::vector<std::pair<int64_t, double>>;

void combine(const Taps& axis, int64_t size, Taps& all) {
  Taps next;
  for (const auto& [at, w] : all)
    for (const auto& [i, v] : axis) next.emplace_back(at < 0 || i < 0 ? -1 : at * size + i, w * v);
  all = std::move(next);
}

void run(const Node& node) {
  const Tensor x = node.in(0), grid = node.in(1);
  const Sampler sampler(node);
  const int64_t axes = x.rank() - 2, channels = x.dim(1), in_size = count_of(x.raw()->dim + 2, static_cast<int32_t>(axes));
  const int64_t points = count_of(grid.raw()->dim + 1, static_cast<int32_t>(axes));
  if (node.out(0).count() > 0 && in_size == 0) throw invalid("an empty input cannot be sampled");
  visit_real_work(x.type(), [&]<class W>(Tag<W>) {
    const Operand<W> in(x);
    const Operand<double> at(grid);
    Result<W> y(node.out(0));
    Taps axis, all;
    for (int64_t n = 0; n < x.dim(0); ++n)
      for (int64_t p = 0; p < points; ++p) {
        all.assign(1, {0, 1.0});
        for (int64_t a = 0; a < axes; ++a) {
          sampler.taps(at[(n * points + p) * axes + axes - 1 - a], x.dim(static_cast<int32_t>(a) + 2), axis);
          combine(axis, x.dim(static_cast<int32_t>(a) + 2), all);
        }
        for (int64_t c = 0; c < channels; ++c) {
          const W* from = in.data() + (n * channels + c) * in_size;
          double sum = 0;
          for (const auto& [i, w] : all)
            if (i >= 0) sum += w * from[i];
          y[(n * channels + c) * points + p] = static_cast<W>(sum);
        }
      }
    y.commit();
  });
}

}  // namespace

TENON_OPERATOR("tenon", "GridSample", 1, 0,
               "(X: T(float), grid: U(float)) -> (Y: T) {mode?: string, padding_mode?: string, align_corners?: int}", infer, run);
}  // namespace tenon::ops
