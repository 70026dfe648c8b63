// SPDX-License-Identifier: Apache-2.0
// pool.cpp - pooling.
#include <algorithm>

#include "window.hpp"

namespace tenon::to_onnx {
namespace {

bool plain_dilations(const std::vector<int64_t>& d) {
  return std::all_of(d.begin(), d.end(), [](int64_t x) { return x == 1; });
}

/// Rounding the number of windows up as pads at the end, where sizes are known and the pads stay below the kernel: engines differ in
/// whether a window that starts in the padding counts. Nothing where that cannot be said.
std::vector<int64_t> explicit_pads(Emit& e) {
  const ValueInfo x = e.info(e.in(0)), y = e.info(e.out());
  const auto kernel = e.attr_ints("kernel_shape");
  const size_t n = kernel.size();
  const std::vector<int64_t> ones(n, 1), zeros(2 * n, 0);
  const auto strides = e.attr_ints("strides", ones), dilations = e.attr_ints("dilations", ones);
  auto pads = e.attr_ints("pads", zeros);
  if (!x.is_static() || !y.is_static() || pads.size() != 2 * n || strides.size() != n || dilations.size() != n) return {};
  for (size_t k = 0; k < n; ++k) {
    const int64_t in = x.dim(static_cast<int32_t>(k) + 2), out = y.dim(static_cast<int32_t>(k) + 2);
    const int64_t needed = (out - 1) * strides[k] + dilations[k] * (kernel[k] - 1) + 1 - in - pads[k];
    pads[k + n] = std::max(pads[k + n], needed);
    if (pads[k] >= kernel[k] || pads[k + n] >= kernel[k]) return {};
  }
  return pads;
}

void window(Emit& e, AttrList& a, Value* x, bool padding_counts) {
  const bool up = e.i("ceil_mode") != 0, automatic = e.s("auto_pad", "NOTSET") != "NOTSET" && !e.s("auto_pad").empty();
  const auto pads = up && !automatic && !padding_counts ? explicit_pads(e) : std::vector<int64_t>{};
  if (pads.empty()) {
    *x = padded_input(e, *x, a);
    if (up) a.add("ceil_mode", 1);
    return;
  }
  *x = cut_input(e, *x, pads);
  std::vector<int64_t> rest = pads;
  for (int64_t& p : rest) p = std::max<int64_t>(0, p);
  a.add("pads", rest);
}

void max_pool(Emit& e) {
  AttrList a = e.copied({"kernel_shape", "strides", "dilations", "storage_order"});
  Value x = e.in(0);
  const tenon_dtype t = e.type(x);
  window(e, a, &x, false);
  const Value wide = e.widened(x, {dt::f16, dt::f32, dt::f64, dt::i8, dt::u8});
  const std::vector<bool> wanted = {true, e.n_out() > 1 && e.out(1)};
  Values y = e.op_n("MaxPool", {wide}, a, wanted[1] ? 2 : 1, wanted[1] ? wanted : std::vector<bool>{});
  if (e.type(wide) != t && wide != x) y[0] = e.op("Cast", {y[0]}, AttrList{}.set("to", data_type(t)));
  y.resize(e.n_out());
  e.done(y);
}
ONNX_RULE("MaxPool", max_pool);

void average_pool(Emit& e) {
  AttrList a = e.copied({"kernel_shape", "strides", "count_include_pad"});
  const auto dilations = e.attr_ints("dilations");
  if (!plain_dilations(dilations)) {
    e.need_opset(19);
    a.add("dilations", dilations);
  }
  Value x = e.in(0);
  window(e, a, &x, e.i("count_include_pad") != 0);
  e.to("AveragePool", {x}, a);
}
ONNX_RULE("AveragePool", average_pool);

void max_unpool(Emit& e) { e.same("MaxUnpool", {"kernel_shape", "strides", "pads"}); }
ONNX_RULE("MaxUnpool", max_unpool);

}  // namespace
}  // namespace tenon::to_onnx
