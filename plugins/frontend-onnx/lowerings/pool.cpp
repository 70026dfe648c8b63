// SPDX-License-Identifier: Apache-2.0
// pool.cpp - pooling over windows and over whole images.
#include <algorithm>

#include "window.hpp"

namespace tenon::onnx {
namespace {

struct Pool {
  Window window;
  AttrList attrs;
  bool ceil = false;
};

// With auto_pad, ONNX defines the output's size by itself: ceil_mode does not count.
Pool read_pool(Lower& l, tenon_value x) {
  std::vector<int64_t> kernel = attr_ints(l, "kernel_shape");
  if (kernel.empty()) throw invalid("attribute 'kernel_shape' is missing");
  int32_t rank = l.info(x).rank();
  if (rank >= 0 && static_cast<size_t>(rank) != kernel.size() + 2)
    throw invalid("attribute 'kernel_shape' does not fit the input").with("expected", std::to_string(rank - 2) + " entries").with("found", std::to_string(kernel.size()));
  Pool p;
  p.window = read_window(l, x, kernel);
  p.window.write(p.attrs);
  std::string mode = l.s("auto_pad", "NOTSET");
  bool by_size = mode == "NOTSET" || mode.empty();
  p.ceil = by_size && l.i("ceil_mode", 0) != 0;
  p.attrs.add("kernel_shape", kernel).add("ceil_mode", p.ceil ? 1 : 0);
  return p;
}

void lower_max_pool(Lower& l) {
  known(l, {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"});
  arity(l, 1, 1, 2);
  Pool p = read_pool(l, need(l, 0));
  p.attrs.add("storage_order", l.i("storage_order", 0));
  l.done(l.emit_n("MaxPool", {l.in(0)}, p.attrs, 2, {true, l.has_out(1)}));
}
TENON_LOWERING("onnx", "MaxPool", 1, lower_max_pool);

void lower_average_pool(Lower& l) {
  known(l, {"auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"});
  arity(l, 1, 1);
  Pool p = read_pool(l, need(l, 0));
  p.attrs.add("count_include_pad", l.i("count_include_pad", 0));
  l.to("AveragePool", {l.in(0)}, p.attrs);
}
TENON_LOWERING("onnx", "AveragePool", 1, lower_average_pool);

// x^p, |x|^p for odd p
tenon_value power(Lower& l, tenon_value x, double p) {
  if (p == 1) return l.emit("Abs", {x});
  if (p == 2) return l.emit("Mul", {x, x});
  return l.emit("Pow", {l.emit("Abs", {x}), scalar_like(l, x, p)});
}
tenon_value root(Lower& l, tenon_value x, double p, tenon_value like) {
  if (p == 1) return x;
  return p == 2 ? l.emit("Sqrt", {x}) : l.emit("Pow", {x, scalar_like(l, like, 1 / p)});
}

// Padding at the end of axis k that makes rounding down give the windows of rounding up. A window that would start behind the input
// and its leading padding is left out; without a known size there must be no such window.
int64_t rounding_up(const Window& w, const ValueInfo& x, size_t k) {
  int64_t extent = (w.kernel[k] - 1) * w.dilations[k] + 1, stride = w.strides[k], begin = w.pads[k], end = w.pads[w.spatial + k];
  int64_t size = x.rank() < 0 ? -1 : x.dim(static_cast<int32_t>(k) + 2);
  if (size < 0 && end + stride - 1 < extent) return stride - 1;
  if (size < 0) throw unsupported("ceil_mode depends on a size that is not known").with("hint", "give the shapes of the model's inputs with \"shapes\"");
  int64_t room = size + begin + end - extent, windows = room < 0 ? 0 : (room + stride - 1) / stride + 1;
  if ((windows - 1) * stride >= size + begin) --windows;
  return std::max<int64_t>(0, (windows - 1) * stride - room);
}

// (sum of |x|^p)^(1/p): the mean that counts padding, times the window's size
void lower_lp_pool(Lower& l) {
  known(l, {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "p", "pads", "strides"});
  arity(l, 1, 1);
  tenon_value x = need(l, 0);
  double p = l.f("p", 2), size = 1;
  Pool pool = read_pool(l, x);
  if (pool.ceil) {
    for (size_t k = 0; k < pool.window.spatial; ++k) pool.window.pads[pool.window.spatial + k] += rounding_up(pool.window, l.info(x), k);
    pool.attrs = AttrList();
    pool.window.write(pool.attrs);
    pool.attrs.add("kernel_shape", pool.window.kernel).add("ceil_mode", 0);
  }
  for (int64_t k : pool.window.kernel) size *= static_cast<double>(k);
  pool.attrs.add("count_include_pad", 1);
  tenon_value sum = l.emit("Mul", {l.emit("AveragePool", {power(l, x, p)}, pool.attrs), scalar_like(l, x, size)});
  l.done({root(l, sum, p, x)});
}
TENON_LOWERING("onnx", "LpPool", 1, lower_lp_pool);

tenon_value over_image(Lower& l, std::string_view op, tenon_value v) {
  int32_t rank = rank_of(l, l.in(0), "the set of spatial axes");
  AttrList keep;
  keep.add("keepdims", 1);
  if (rank <= 2) throw invalid("global pooling needs at least one spatial axis");
  return l.emit(op, {v, iota(l, 2, rank)}, keep);
}
void global(Lower& l, std::string_view op) {
  known(l, {});
  arity(l, 1, 1);
  l.done({over_image(l, op, need(l, 0))});
}
void lower_global_average(Lower& l) { global(l, "ReduceMean"); }
TENON_LOWERING("onnx", "GlobalAveragePool", 1, lower_global_average);
void lower_global_max(Lower& l) { global(l, "ReduceMax"); }
TENON_LOWERING("onnx", "GlobalMaxPool", 1, lower_global_max);

void lower_global_lp(Lower& l) {
  known(l, {"p"});
  arity(l, 1, 1);
  double p = l.f("p", 2);
  tenon_value x = need(l, 0);
  l.done({root(l, over_image(l, "ReduceSum", power(l, x, p)), p, x)});
}
TENON_LOWERING("onnx", "GlobalLpPool", 1, lower_global_lp);

void lower_max_unpool(Lower& l) {
  known(l, {"kernel_shape", "pads", "strides"});
  arity(l, 2, 3);
  AttrList a = copied(l, {"kernel_shape", "pads", "strides"});
  l.to("MaxUnpool", inputs(l), a);
}
TENON_LOWERING("onnx", "MaxUnpool", 9, lower_max_unpool);

}  // namespace
}  // namespace tenon::onnx
