// SPDX-License-Identifier: Apache-2.0
// RoiPool: maximum over each cell of each region [batch, x1, y1, x2, y2]; coordinates are rounded to whole elements.
#include "common/infer.hpp"
#include "common/work.hpp"

namespace tenon::ops {
namespace {

Dims cells(const Node& node) {
  Dims d = node.ints("pooled_shape");
  if (d.size() != 2 || d[0] < 1 || d[1] < 1) fail("pooled_shape is wrong", "two sizes of at least 1", dims_text(d));
  return d;
}

void infer(const Node& node) {
  const Tensor x = node.in(0), rois = node.in(1);
  expect_rank(x, 4, "the input");
  expect_rank(rois, 2, "the regions");
  if (rois.has_rank()) same_dim(5, rois.dim(1), "numbers of a region");
  const Dims d = cells(node);
  node.set_out(0, x.type(), Dims{rois.has_rank() ? rois.dim(0) : kUnknown, x.has_rank() ? x.dim(1) : kUnknown, d[0], d[1]});
}

/// Elements [first, last) of a cell of a region that starts at `start` and has `size` elements.
std::pair<int64_t, int64_t> cell_range(int64_t cell, int64_t cells, int64_t start, int64_t size, int64_t limit) {
  const double step = static_cast<double>(size) / static_cast<double>(cells);
  const int64_t first = start + static_cast<int64_t>(std::floor(static_cast<double>(cell) * step));
  const int64_t last = start + static_cast<int64_t>(std::ceil(static_cast<double>(cell + 1) * step));
  return {std::clamp<int64_t>(first, 0, limit), std::clamp<int64_t>(last, 0, limit)};
}

/// A coordinate as a whole number; one that is none, or far outside of every image, is cut.
int64_t whole(double v) { return v == v ? static_cast<int64_t>(std::clamp(v, -0x1p40, 0x1p40)) : 0; }

void run(const Node& node) {
  const Tensor x = node.in(0);
  const Dims d = cells(node);
  const int64_t channels = x.dim(1), height = x.dim(2), width = x.dim(3), count = node.in(1).dim(0);
  const double scale = node.f("spatial_scale", 1);
  visit_real_work(x.type(), [&]<class W>(Tag<W>) {
    const Operand<W> in(x), rois(node.in(1));
    Result<W> y(node.out(0));
    for (int64_t r = 0; r < count; ++r) {
      const W* roi = rois.data() + r * 5;
      const int64_t batch = whole(static_cast<double>(roi[0]));
      if (batch < 0 || batch >= x.dim(0)) fail("the batch of a region is out of range", "0 to " + std::to_string(x.dim(0) - 1), std::to_string(batch));
      auto edge = [&](int k) { return whole(std::round(roi[k] * scale)); };
      const int64_t x0 = edge(1), y0 = edge(2), w = std::max<int64_t>(1, edge(3) - x0 + 1), h = std::max<int64_t>(1, edge(4) - y0 + 1);
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t cell = 0; cell < d[0] * d[1]; ++cell) {
          const auto [top, bottom] = cell_range(cell / d[1], d[0], y0, h, height);
          const auto [left, right] = cell_range(cell % d[1], d[1], x0, w, width);
          const bool empty = bottom <= top || right <= left;
          W best = empty ? W(0) : -std::numeric_limits<W>::infinity();
          for (int64_t i = top; i < bottom; ++i)
            for (int64_t j = left; j < right; ++j) best = std::max(best, in[((batch * channels + c) * height + i) * width + j]);
          y[(r * channels + c) * d[0] * d[1] + cell] = best;
        }
    }
    y.commit();
  });
}

}  // namespace

TENON_OPERATOR("tenon", "RoiPool", 1, 0, "(X: T(float), rois: T) -> (Y: T) {pooled_shape: ints, spatial_scale?: float}", infer, run);
}  // namespace tenon::ops
