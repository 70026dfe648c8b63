// SPDX-License-Identifier: Apache-2.0
#include "window.hpp"

namespace tenon::cpu {

std::optional<Dims> declared_pads(const Attrs& attrs, size_t spatial) {
  const auto mode = auto_pad_of(attrs.s("auto_pad", "NOTSET"));
  if (mode != AutoPad::none && mode != AutoPad::valid) return std::nullopt;
  Dims pads = mode == AutoPad::valid ? Dims() : attrs.ints("pads");
  if (pads.empty()) pads.assign(2 * spatial, 0);
  return pads.size() == 2 * spatial ? std::optional(pads) : std::nullopt;
}

std::optional<Window> window_of(const Attrs& attrs, const Dims& in, const Dims& out, const Dims& kernel) {
  const size_t n = kernel.size();
  const Dims strides = attrs.ints("strides", Dims(n, 1)), dilations = attrs.ints("dilations", Dims(n, 1));
  const auto mode = auto_pad_of(attrs.s("auto_pad", "NOTSET"));
  const auto pads = declared_pads(attrs, n);
  const bool same = mode == AutoPad::same_upper || mode == AutoPad::same_lower;
  if (strides.size() != n || dilations.size() != n || (!pads && !same)) return std::nullopt;
  Window w;
  w.auto_pad = *mode;
  for (size_t i = 0; i < n; ++i) {
    WindowAxis a{in[i + 2], kernel[i], strides[i], dilations[i], 0, 0, out[i + 2]};
    if (pads)
      a.pad_begin = (*pads)[i];
    else
      a.pad_evenly(*mode);
    a.pad_end = a.reach() - a.pad_begin;
    if (a.pad_begin < 0) return std::nullopt;
    w.axes.push_back(a);
  }
  return w;
}

dnn::Window dnn_window(const Window& w) {
  dnn::Window r;
  for (const WindowAxis& a : w.axes) {
    r.strides.push_back(a.stride);
    r.dilations.push_back(a.dilation);
    r.begin.push_back(a.pad_begin);
    r.end.push_back(a.pad_end);
  }
  return r;
}

Dims kernel_of(const Window& w) {
  Dims d;
  for (const WindowAxis& a : w.axes) d.push_back(a.kernel);
  return d;
}

}  // namespace tenon::cpu
