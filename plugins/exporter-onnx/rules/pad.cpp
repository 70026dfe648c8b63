// SPDX-License-Identifier: Apache-2.0
// pad.cpp - Pad, whose axes are an input since opset 18 and whose mode wrap came with 19; ONNX lacks symmetric.
#include <algorithm>

#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

/// pads for all axes, from those for some.
Value for_all_axes(Emit& e) {
  const Value pads = e.in(1);
  if (!e.in(3)) return pads;
  const int64_t rank = e.known_rank(e.in(0), "the input");
  auto axes = e.need_ints(e.in(3), "the set of axes");
  for (auto& a : axes) a = a < 0 ? a + rank : a;
  std::vector<int64_t> places = axes, all(static_cast<size_t>(2 * rank), 0);
  for (int64_t a : axes) places.push_back(a + rank);
  const auto known = e.constant_ints(pads);
  if (!known) return e.op("ScatterElements", {e.ints(all), e.ints(places), pads});
  for (size_t k = 0; k < places.size() && k < known->size(); ++k) all[static_cast<size_t>(places[k])] = (*known)[k];
  return e.ints(all);
}

/// Each side is the mirror image of the elements next to it, the border included.
Value symmetric(Emit& e, Value x, const std::vector<int64_t>& pads) {
  const auto rank = static_cast<int64_t>(pads.size() / 2);
  for (int64_t a = 0; a < rank; ++a) {
    const int64_t before = pads[static_cast<size_t>(a)], after = pads[static_cast<size_t>(a + rank)], dim = e.info(e.in(0)).dim(static_cast<int32_t>(a));
    if (before < 0 || after < 0 || (dim >= 0 && std::max(before, after) > dim)) throw unsupported("symmetric padding by more than the input has");
    auto mirror = [&](int64_t from, int64_t to) { return e.op("Slice", {x, e.ints({from}), e.ints({to}), e.ints({a}), e.ints({-1})}); };
    Values parts;
    if (before) parts.push_back(mirror(before - 1, INT64_MIN + 1));
    parts.push_back(x);
    if (after) parts.push_back(mirror(-1, -after - 1));
    if (parts.size() > 1) x = e.concat(parts, a);
  }
  return x;
}

void pad(Emit& e) {
  const std::string mode = e.s("mode", "constant");
  const Value value = e.in(2) ? e.scalar(e.in(2)) : 0;
  if (mode == "symmetric") return e.done({symmetric(e, e.in(0), e.need_ints(for_all_axes(e), "the padding"))});
  if (mode == "wrap") e.need_opset(19);
  if (e.opset() >= 18 && e.in(3)) return e.to("Pad", {e.in(0), e.in(1), value, e.in(3)}, AttrList{}.set("mode", mode));
  e.to("Pad", {e.in(0), for_all_axes(e), value}, AttrList{}.set("mode", mode));
}
ONNX_RULE("Pad", pad);

}  // namespace
}  // namespace tenon::to_onnx
