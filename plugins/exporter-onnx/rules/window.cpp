// SPDX-License-Identifier: Apache-2.0
#include "window.hpp"

#include <algorithm>

namespace tenon::to_onnx {

Value cut_input(Emit& e, Value x, const std::vector<int64_t>& pads) {
  const size_t n = pads.size() / 2;
  std::vector<int64_t> begin, end, axes;
  for (size_t k = 0; k < n; ++k) {
    if (pads[k] >= 0 && pads[k + n] >= 0) continue;
    begin.push_back(std::max<int64_t>(0, -pads[k]));
    end.push_back(pads[k + n] < 0 ? pads[k + n] : INT64_MAX);
    axes.push_back(static_cast<int64_t>(k) + 2);
  }
  return axes.empty() ? x : e.op("Slice", {x, e.ints(begin), e.ints(end), e.ints(axes)});
}

Value padded_input(Emit& e, Value x, AttrList& a) {
  const std::string how = e.s("auto_pad", "NOTSET");
  if (!how.empty() && how != "NOTSET") {
    a.add("auto_pad", how);
    return x;
  }
  std::vector<int64_t> pads = e.attr_ints("pads");
  if (pads.empty()) return x;
  x = cut_input(e, x, pads);
  for (int64_t& p : pads) p = std::max<int64_t>(0, p);
  a.add("pads", pads);
  return x;
}

}  // namespace tenon::to_onnx
