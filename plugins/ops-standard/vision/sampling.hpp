// SPDX-License-Identifier: Apache-2.0
// sampling.hpp - bilinear sampling of a plane at a fractional position, zero outside.
#pragma once
#include <cmath>
#include <cstdint>

namespace tenon::ops {

/// Value at (y, x) where positions outside the plane count as 0.
template <class W>
double sample_with_zeros(const W* plane, int64_t height, int64_t width, double y, double x) {
  if (!(y > -1 && y < static_cast<double>(height) && x > -1 && x < static_cast<double>(width))) return 0;
  const double fy = std::floor(y), fx = std::floor(x);
  const int64_t y0 = static_cast<int64_t>(fy), x0 = static_cast<int64_t>(fx);
  const double dy = y - fy, dx = x - fx;
  auto at = [&](int64_t i, int64_t j) { return i < 0 || j < 0 || i >= height || j >= width ? 0.0 : static_cast<double>(plane[i * width + j]); };
  return (1 - dy) * ((1 - dx) * at(y0, x0) + dx * at(y0, x0 + 1)) + dy * ((1 - dx) * at(y0 + 1, x0) + dx * at(y0 + 1, x0 + 1));
}

}  // namespace tenon::ops
