// SPDX-License-Identifier: Apache-2.0
#include "window.hpp"

#include <algorithm>

namespace tenon::onnx {
namespace {

std::vector<int64_t> list(const Lower& l, const char* name, size_t n, int64_t otherwise, int64_t least) {
  std::vector<int64_t> r = attr_ints(l, name, std::vector<int64_t>(n, otherwise));
  if (r.size() != n)
    throw invalid(std::string("attribute '") + name + "' has the wrong number of entries").with("expected", std::to_string(n)).with("found", std::to_string(r.size()));
  for (int64_t v : r)
    if (v < least) throw invalid(std::string("attribute '") + name + "' has the value " + std::to_string(v)).with("expected", "at least " + std::to_string(least));
  return r;
}

// Padding for an output of ceil(size / stride). Needs no size where the stride is 1. False: not known yet.
bool same_total(int64_t size, int64_t kernel, int64_t stride, int64_t dilation, int64_t* total) {
  if (kernel < 0 || (size < 0 && stride != 1)) return false;
  int64_t reach = (kernel - 1) * dilation + 1;
  *total = stride == 1 ? reach - 1 : std::max<int64_t>(0, ((size + stride - 1) / stride - 1) * stride + reach - size);
  return true;
}

}  // namespace

void split_padding(int64_t total, bool lower, int64_t* begin, int64_t* end) {
  *begin = lower ? total - total / 2 : total / 2;
  *end = total - *begin;
}

void Window::write(AttrList& a) const {
  a.add("strides", strides).add("dilations", dilations);
  if (auto_pad.empty()) a.add("pads", pads);
  else a.add("auto_pad", auto_pad);
}

Window read_window(Lower& l, tenon_value x, std::vector<int64_t> kernel, bool resolve_same) {
  Window w;
  w.spatial = kernel.size();
  w.kernel = std::move(kernel);
  w.strides = list(l, "strides", w.spatial, 1, 1);
  w.dilations = list(l, "dilations", w.spatial, 1, 1);
  w.pads = list(l, "pads", 2 * w.spatial, 0, INT64_MIN);
  std::string mode = l.s("auto_pad", "NOTSET");
  if (mode == "NOTSET" || mode.empty()) return w;
  if (mode != "VALID" && mode != "SAME_UPPER" && mode != "SAME_LOWER") throw invalid("attribute 'auto_pad' has the value '" + mode + "'").with("expected", "NOTSET, VALID, SAME_UPPER or SAME_LOWER");
  if (std::any_of(w.pads.begin(), w.pads.end(), [](int64_t p) { return p != 0; })) throw invalid("attributes 'pads' and 'auto_pad' are both given");
  if (mode == "VALID") return w;
  w.auto_pad = mode;
  auto info = l.info(x);
  if (!resolve_same) return w;
  std::vector<int64_t> pads(2 * w.spatial);
  for (size_t k = 0; k < w.spatial; ++k) {
    int64_t total = 0, size = info.rank() >= 0 ? info.dim(static_cast<int32_t>(k) + 2) : TENON_DIM_UNKNOWN;
    if (!same_total(size, w.kernel[k], w.strides[k], w.dilations[k], &total)) return w;
    split_padding(total, mode == "SAME_LOWER", &pads[k], &pads[w.spatial + k]);
  }
  w.pads = std::move(pads);
  w.auto_pad.clear();
  return w;
}

}  // namespace tenon::onnx
