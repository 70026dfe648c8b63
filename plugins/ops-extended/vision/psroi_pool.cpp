// SPDX-License-Identifier: Apache-2.0
// PSRoiPool: position-sensitive average pooling of regions (R-FCN, Dai et al. 2016). Cell (i, j) of output channel c is the average over that
// cell of channel (c * group + i) * group + j of the input. Regions are [batch, x1, y1, x2, y2]; arithmetic is in float, as in the original.
#include "common/infer.hpp"

#include <cmath>

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  const Tensor x = node.in(0), rois = node.in(1);
  const int64_t channels = node.i("output_dim"), group = node.i("group_size");
  if (channels < 1 || group < 1 || channels > (int64_t{1} << 31) || group > 1024) fail("output_dim and group_size are out of range", "at least 1", std::to_string(channels) + " and " + std::to_string(group));
  expect_rank(x, 4, "the input");
  expect_rank(rois, 2, "the regions");
  if (x.has_rank()) same_dim(channels * group * group, x.dim(1), "channels and output_dim * group_size^2");
  if (rois.has_rank()) same_dim(5, rois.dim(1), "numbers of a region");
  node.set_out(0, dt::f32, Dims{rois.has_rank() ? rois.dim(0) : kUnknown, channels, group, group});
}

struct Range {
  int64_t begin, end;
};

/// Elements of cell k of a side that starts at `start`, each cell `size` long.
Range cell(int64_t k, float start, float size, int64_t limit) {
  const auto edge = [&](float v) { return std::clamp<int64_t>(static_cast<int64_t>(std::clamp(v, -1e9f, 1e9f)), 0, limit); };
  return {edge(std::floor(static_cast<float>(k) * size + start)), edge(std::ceil(static_cast<float>(k + 1) * size + start))};
}

float average(const float* plane, int64_t width, Range rows, Range columns) {
  if (rows.end <= rows.begin || columns.end <= columns.begin) return 0;
  float sum = 0;
  for (int64_t i = rows.begin; i < rows.end; ++i)
    for (int64_t j = columns.begin; j < columns.end; ++j) sum += plane[i * width + j];
  return sum / static_cast<float>((rows.end - rows.begin) * (columns.end - columns.begin));
}

void run(const Node& node) {
  const Tensor x = node.in(0), rois = node.in(1);
  const int64_t channels = node.i("output_dim"), group = node.i("group_size"), height = x.dim(2), width = x.dim(3);
  const float scale = static_cast<float>(node.f("spatial_scale", 1));
  float* y = node.out(0).mutable_data<float>();
  for (int64_t r = 0; r < rois.dim(0); ++r) {
    const float* roi = rois.data<float>() + r * 5;
    if (!(roi[0] >= 0 && roi[0] < static_cast<float>(x.dim(0)))) fail("the batch of a region is out of range", "0 to " + std::to_string(x.dim(0) - 1), std::to_string(roi[0]));
    const float* image = x.data<float>() + static_cast<int64_t>(roi[0]) * x.dim(1) * height * width;
    const float x0 = std::round(roi[1]) * scale, y0 = std::round(roi[2]) * scale;
    const float x1 = (std::round(roi[3]) + 1) * scale, y1 = (std::round(roi[4]) + 1) * scale;
    const float cell_w = std::max(x1 - x0, 0.1f) / static_cast<float>(group), cell_h = std::max(y1 - y0, 0.1f) / static_cast<float>(group);
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < group; ++i)
        for (int64_t j = 0; j < group; ++j)
          *y++ = average(image + ((c * group + i) * group + j) * height * width, width, cell(i, y0, cell_h, height), cell(j, x0, cell_w, width));
  }
}

}  // namespace

TENON_OPERATOR("tenon", "PSRoiPool", 1, 0, "(X: f32, rois: f32) -> (Y: f32) {output_dim: int, group_size: int, spatial_scale?: float}", infer, run);
}  // namespace tenon::ops
