// SPDX-License-Identifier: Apache-2.0
#include "window.hpp"

namespace tenon::cpu {

std::optional<Dims> declared_pads(const Attrs& attrs, size_t spatial) {
  const std::string mode = attrs.s("auto_pad", "NOTSET");
  if (mode == "NOTSET" || mode == "VALID" || mode.empty()) {
    Dims pads = mode == "VALID" ? Dims() : attrs.ints("pads");
    if (pads.empty()) pads.assign(2 * spatial, 0);
    if (pads.size() == 2 * spatial) return pads;
  }
  return std::nullopt;
}

std::optional<dnn::Window> window_of(const Attrs& attrs, const Dims& in, const Dims& out, const Dims& kernel) {
  const size_t n = kernel.size();
  dnn::Window w;
  w.strides = attrs.ints("strides", Dims(n, 1));
  w.dilations = attrs.ints("dilations", Dims(n, 1));
  if (w.strides.size() != n || w.dilations.size() != n) return std::nullopt;
  const std::string mode = attrs.s("auto_pad", "NOTSET");
  const auto pads = declared_pads(attrs, n);
  if (!pads && mode != "SAME_UPPER" && mode != "SAME_LOWER") return std::nullopt;
  for (size_t i = 0; i < n; ++i) {
    const int64_t reach = (kernel[i] - 1) * w.dilations[i] + 1;
    const int64_t total = (out[i + 2] - 1) * w.strides[i] + reach - in[i + 2];
    int64_t begin = pads ? (*pads)[i] : 0;
    if (!pads) {
      const int64_t padding = std::max<int64_t>(total, 0);
      begin = mode == "SAME_UPPER" ? padding / 2 : padding - padding / 2;
    }
    w.begin.push_back(begin);
    w.end.push_back(total - begin);
    if (begin < 0) return std::nullopt;
  }
  return w;
}

}  // namespace tenon::cpu
