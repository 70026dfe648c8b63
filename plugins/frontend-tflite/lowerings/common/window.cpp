// SPDX-License-Identifier: Apache-2.0
#include "window.hpp"

#include <algorithm>

namespace tenon::tflite {

tenon_value channels_first(Lower& l, tenon_value v, size_t spatial) {
  auto n = static_cast<int64_t>(spatial);
  std::vector<int64_t> perm{0, n + 1};
  for (int64_t k = 1; k <= n; ++k) perm.push_back(k);
  return transpose(l, v, perm);
}

tenon_value channels_last(Lower& l, tenon_value v, size_t spatial) {
  std::vector<int64_t> perm{0};
  for (size_t k = 0; k < spatial; ++k) perm.push_back(static_cast<int64_t>(k) + 2);
  perm.push_back(1);
  return transpose(l, v, perm);
}

namespace {

void check(const Window& w, size_t axis) {
  if (w.strides[axis] < 1 || w.dilations[axis] < 1 || (w.kernel[axis] < 1 && w.kernel[axis] != TENON_DIM_UNKNOWN))
    throw invalid("a window's sizes, strides and dilations are positive")
        .with("found", "size " + std::to_string(w.kernel[axis]) + ", stride " + std::to_string(w.strides[axis]) + ", dilation " + std::to_string(w.dilations[axis]));
}

}  // namespace

void pad_window(Lower& l, tenon_value x, std::string_view padding, Window& w) {
  size_t n = w.strides.size();
  if (w.dilations.empty()) w.dilations.assign(n, 1);
  w.pads.assign(2 * n, 0);
  for (size_t k = 0; k < n; ++k) check(w, k);
  if (padding == "VALID") return;
  if (padding != "SAME") throw unsupported("this padding is not known").with("found", std::string(padding));
  auto info = l.info(x);
  for (size_t k = 0; k < n; ++k) {
    int64_t size = info.rank() < 0 ? TENON_DIM_UNKNOWN : info.dim(static_cast<int32_t>(k) + 1);
    if (w.strides[k] == 1 && w.kernel[k] > 0) size = size < 0 ? 1 : size;  // the padding does not depend on the size
    if (size < 0 || w.kernel[k] < 0) {
      w.deferred = true;
      continue;
    }
    int64_t out = (size + w.strides[k] - 1) / w.strides[k];
    int64_t total = std::max<int64_t>(0, (out - 1) * w.strides[k] + (w.kernel[k] - 1) * w.dilations[k] + 1 - size);
    w.pads[k] = total / 2;
    w.pads[n + k] = total - total / 2;
  }
}

void write(const Window& w, AttrList& a, bool dilations) {
  a.add("strides", w.strides);
  if (dilations) a.add("dilations", w.dilations);
  if (w.deferred) a.add("auto_pad", "SAME_UPPER");
  else a.add("pads", w.pads);
}

}  // namespace tenon::tflite
