// SPDX-License-Identifier: Apache-2.0
// RoiAlign: average or maximum of bilinear samples in each cell of each region of interest.
#include "common/infer.hpp"
#include "common/work.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  const Tensor x = node.in(0), rois = node.in(1);
  expect_rank(x, 4, "the input");
  expect_rank(rois, 2, "the regions");
  expect_rank(node.in(2), 1, "batch_indices");
  if (rois.has_rank()) same_dim(4, rois.dim(1), "corner coordinates of a region");
  const int64_t count = same_dim(rois.has_rank() ? rois.dim(0) : kUnknown, node.in(2).has_rank() ? node.in(2).dim(0) : kUnknown, "lengths of regions and batch_indices");
  node.set_out(0, x.type(), Dims{count, x.has_rank() ? x.dim(1) : kUnknown, node.i("output_height", 1), node.i("output_width", 1)});
}

/// Four neighbours and weights of a sample, clamped to the plane; none outside it.
struct Sample {
  int64_t at[4] = {0, 0, 0, 0};
  double weight[4] = {0, 0, 0, 0};
};

Sample make_sample(double y, double x, int64_t height, int64_t width) {
  Sample s;
  if (y < -1 || y > static_cast<double>(height) || x < -1 || x > static_cast<double>(width)) return s;
  y = std::max(y, 0.0);
  x = std::max(x, 0.0);
  int64_t y0 = static_cast<int64_t>(y), x0 = static_cast<int64_t>(x), y1 = y0 + 1, x1 = x0 + 1;
  if (y0 >= height - 1) y0 = y1 = height - 1, y = static_cast<double>(y0);
  if (x0 >= width - 1) x0 = x1 = width - 1, x = static_cast<double>(x0);
  const double dy = y - static_cast<double>(y0), dx = x - static_cast<double>(x0);
  return {{y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1}, {(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx}};
}

void run(const Node& node) {
  const Tensor x = node.in(0);
  const int64_t height = x.dim(2), width = x.dim(3), channels = x.dim(1);
  const int64_t rows = node.i("output_height", 1), columns = node.i("output_width", 1), ratio = node.i("sampling_ratio", 0);
  const std::string mode = node.s("mode", "avg"), transform = node.s("coordinate_transformation_mode", "half_pixel");
  if (mode != "avg" && mode != "max") fail("mode is not known", "avg or max", mode);
  if (transform != "half_pixel" && transform != "output_half_pixel") fail("coordinate_transformation_mode is not known", "half_pixel or output_half_pixel", transform);
  const bool half = transform == "half_pixel", largest = mode == "max";
  const double scale = node.f("spatial_scale", 1), shift = half ? 0.5 : 0;
  const auto batches = node.in(2).ints();
  for (int64_t b : batches)
    if (b < 0 || b >= x.dim(0)) fail("a batch index is out of range", "0 to " + std::to_string(x.dim(0) - 1), std::to_string(b));
  visit_real_work(x.type(), [&]<class W>(Tag<W>) {
    const Operand<W> in(x), rois(node.in(1));
    Result<W> y(node.out(0));
    node.parallel_for(static_cast<int64_t>(batches.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const W* roi = rois.data() + r * 4;
        const double x0 = roi[0] * scale - shift, y0 = roi[1] * scale - shift;
        double w = roi[2] * scale - shift - x0, h = roi[3] * scale - shift - y0;
        if (!half) w = std::max(w, 1.0), h = std::max(h, 1.0);
        const double cell_h = h / static_cast<double>(rows), cell_w = w / static_cast<double>(columns);
        const int64_t ny = ratio > 0 ? ratio : static_cast<int64_t>(std::ceil(cell_h)), nx = ratio > 0 ? ratio : static_cast<int64_t>(std::ceil(cell_w));
        for (int64_t cell = 0; cell < rows * columns; ++cell)
          for (int64_t c = 0; c < channels; ++c) {
            const W* plane = in.data() + (batches[static_cast<size_t>(r)] * channels + c) * height * width;
            double sum = 0, best = -std::numeric_limits<double>::infinity();
            for (int64_t i = 0; i < ny; ++i)
              for (int64_t j = 0; j < nx; ++j) {
                const double sy = y0 + (static_cast<double>(cell / columns) + (static_cast<double>(i) + 0.5) / static_cast<double>(ny)) * cell_h;
                const double sx = x0 + (static_cast<double>(cell % columns) + (static_cast<double>(j) + 0.5) / static_cast<double>(nx)) * cell_w;
                const Sample s = make_sample(sy, sx, height, width);
                double v = 0, top = -std::numeric_limits<double>::infinity();
                for (int k = 0; k < 4; ++k) {
                  const double part = s.weight[k] * plane[s.at[k]];
                  v += part;
                  top = std::max(top, part);
                }
                sum += v;
                best = std::max(best, top);
              }
            const int64_t n = ny * nx;
            y[(r * channels + c) * rows * columns + cell] = static_cast<W>(n == 0 ? 0 : largest ? best : sum / static_cast<double>(n));
          }
      }
    });
    y.commit();
  });
}

}  // namespace

TENON_OPERATOR("tenon", "RoiAlign", 1, 0,
               "(X: T(float), rois: T, batch_indices: i64) -> (Y: T) {mode?: string, output_height?: int, output_width?: int, sampling_ratio?: int, "
               "spatial_scale?: float, coordinate_transformation_mode?: string}",
               infer, run);
}  // namespace tenon::ops
