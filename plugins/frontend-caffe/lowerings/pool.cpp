// SPDX-License-Identifier: Apache-2.0
// pool.cpp - pooling. Sizes round up; a last window that starts in the padding is dropped, but only where there is padding.
#include <algorithm>
#include <cfloat>

#include "common.hpp"

namespace tenon::caffe {
namespace {

struct Pool {
  std::string method = "MAX";
  Ints kernel, stride, pad;
  bool up = true;           ///< sizes round up
  bool count_padding = true;
  AttrList attributes() const {
    Ints pads = pad;
    pads.insert(pads.end(), pad.begin(), pad.end());
    AttrList a;
    a.add("kernel_shape", kernel).add("strides", stride).add("pads", pads).add("ceil_mode", up ? 1 : 0);
    if (method == "AVE") a.add("count_include_pad", count_padding ? 1 : 0);
    return a;
  }
};

void check_method(const std::string& method) {
  if (method == "STOCHASTIC") throw unsupported("stochastic pooling draws random numbers").with("expected", "MAX or AVE");
}

/// Windows that Caffe has beyond those of the IR: without padding, with a stride above the kernel, the last window may start behind the
/// input, and Caffe keeps it. 0 or 1 for each axis; nothing where the size is a symbol.
std::optional<Ints> extra_windows(const Layer& l, tenon_value x, const Pool& p) {
  Ints extra;
  for (size_t k = 0; k < p.kernel.size(); ++k) {
    extra.push_back(0);
    bool padded = std::any_of(p.pad.begin(), p.pad.end(), [](int64_t v) { return v != 0; });
    if (!p.up || padded || p.stride[k] <= p.kernel[k]) continue;
    int64_t size = l.dim(x, static_cast<int64_t>(k) + 2);
    if (size < 0) return std::nullopt;
    int64_t last = (std::max<int64_t>(0, size - p.kernel[k]) + p.stride[k] - 1) / p.stride[k] * p.stride[k];
    extra.back() = last >= size;
  }
  return extra;
}

/// Such a window has no elements: Caffe's maximum of nothing is -FLT_MAX; its average divides by 0 or less.
tenon_value with_extra_windows(const Layer& l, tenon_value y, const Pool& p, const Ints& extra) {
  if (std::all_of(extra.begin(), extra.end(), [](int64_t e) { return e == 0; })) return y;
  if (p.method != "MAX") throw unsupported("the last window of an average pooling starts behind the input, where Caffe's result is undefined");
  Ints pads(4 + 2 * extra.size(), 0);
  std::copy(extra.begin(), extra.end(), pads.end() - static_cast<int64_t>(extra.size()));
  return l.emit("Pad", {y, l.ints(pads), l.scalar(-FLT_MAX)});
}

void check_pads(const Pool& p) {
  for (size_t k = 0; k < p.kernel.size(); ++k)
    if (p.pad[k] >= p.kernel[k]) throw invalid("the padding is not smaller than the kernel").with("found", std::to_string(p.pad[k]) + " and " + std::to_string(p.kernel[k]));
}

/// Position of each maximum in its plane, as a float.
tenon_value plane_positions(const Layer& l, tenon_value index, tenon_value x) {
  tenon_value plane = l.reduce("ReduceProd", l.emit("Shape", {x}, AttrList{}.set("start", 2)), {0});
  return l.cast(l.emit("Mod", {index, plane}), dt::f32);
}

/// A kernel beyond the padded input, by less than a stride, gives one window that is cut off at the end of the padding.
void clip_kernel(const Layer& l, tenon_value x, Pool& p) {
  for (size_t k = 0; k < p.kernel.size(); ++k) {
    int64_t size = l.dim(x, static_cast<int64_t>(k) + 2), reach = size + 2 * p.pad[k];
    if (size > 0 && p.up && p.kernel[k] > reach && p.kernel[k] - reach < p.stride[k]) p.kernel[k] = p.stride[k] = reach;
  }
}

Values pool(const Layer& l, tenon_value x, Pool p, bool mask) {
  check_method(p.method);
  check_pads(p);
  clip_kernel(l, x, p);
  auto extra = extra_windows(l, x, p);
  if (!extra) throw unsupported("a pooling whose stride is larger than its kernel needs the size of its bottom").with("hint", "give fixed sizes with \"shapes\"");
  if (p.method != "MAX") {
    if (mask) throw invalid("an average pooling has no second top");
    return {with_extra_windows(l, l.emit("AveragePool", {x}, p.attributes()), p, *extra)};
  }
  if (!mask) return {with_extra_windows(l, l.emit_n("MaxPool", {x}, p.attributes(), 2, {true, false})[0], p, *extra)};
  Values r = l.emit_n("MaxPool", {x}, p.attributes(), 2);
  for (int64_t e : *extra)
    if (e) throw unsupported("the last window of a pooling with a mask starts behind the input");
  return {r[0], plane_positions(l, r[1], x)};
}

Ints both(const Layer& l, const std::string& name, const std::string& short_name, int64_t otherwise, int64_t least) {
  bool by_side = l.has(short_name + "_h") || l.has(short_name + "_w");
  if (by_side && l.has(name)) throw invalid("parameters '" + name + "' and '" + short_name + "_h', '" + short_name + "_w' contradict each other");
  if (by_side) return {l.at_least(short_name + "_h", least, otherwise), l.at_least(short_name + "_w", least, otherwise)};
  int64_t v = l.at_least(name, least, otherwise);
  return {v, v};
}

tenon_value whole_image(const Layer& l, const std::string& method) {
  check_method(method);
  for (const char* name : {"kernel_size", "kernel_h", "kernel_w"})
    if (l.has(name)) throw invalid("global pooling has no kernel size").with("found", name);
  bool moved = l.i("pad", 0) || l.i("pad_h", 0) || l.i("pad_w", 0) || l.i("stride", 1) != 1 || l.i("stride_h", 1) != 1 || l.i("stride_w", 1) != 1;
  if (moved) throw invalid("global pooling needs pad 0 and stride 1");
  return l.reduce(method == "MAX" ? "ReduceMax" : "ReduceMean", l.in(), {2, 3});
}

void need_image(const Layer& l, int64_t rank) {
  if (l.rank(l.in()) != rank) throw invalid("pooling needs a bottom of " + std::to_string(rank) + " dimensions").with("found", text(l.info(l.in()).dims()));
}

void lower_pooling(Lower& lower) {
  Layer l(lower, "pooling_param");
  l.arity(1, 1, 2);
  need_image(l, 4);
  Pool p;
  p.method = l.s("pool", "MAX");
  // forks without round_mode have ceil_mode
  p.up = l.s("round_mode", "CEIL") == "CEIL" && l.flag("ceil_mode", true);
  p.count_padding = l.flag("avg_include_pad", true);
  bool mask = l.tops() == 2;
  if (l.flag("global_pooling", false)) {
    if (!mask) return l.done({whole_image(l, p.method)});
    p.kernel = {l.dim(l.in(), 2), l.dim(l.in(), 3)};
    if (p.kernel[0] < 1 || p.kernel[1] < 1) throw unsupported("global pooling with a mask needs the size of its bottom");
    p.stride = {1, 1};
    p.pad = {0, 0};
    return l.done(pool(l, l.in(), p, mask));
  }
  p.kernel = both(l, "kernel_size", "kernel", 0, 1);
  p.stride = both(l, "stride", "stride", 1, 1);
  p.pad = both(l, "pad", "pad", 0, 0);
  l.done(pool(l, l.in(), p, mask));
}
TENON_LOWERING("caffe", "Pooling", 1, lower_pooling);

void lower_pooling_3d(Lower& lower) {
  Layer l(lower, "pooling3d_param");
  l.arity(1, 1);
  need_image(l, 5);
  int64_t k = l.at_least("kernel_size", 1, 0), s = l.at_least("stride", 1, 1), pad = l.at_least("pad", 0, 0);
  Pool p;
  p.method = l.s("pool", "MAX");
  p.kernel = {l.at_least("kernel_depth", 1, 0), k, k};
  p.stride = {l.at_least("temporal_stride", 1, 1), s, s};
  p.pad = {l.at_least("temporal_pad", 0, 0), pad, pad};
  l.done(pool(l, l.in(), p, false));
}
TENON_LOWERING("caffe", "Pooling3D", 1, lower_pooling_3d);

/// Level k has 2^k cells on each side; the padding that makes them equal is split, the odd pixel at the front.
Pool pyramid_level(const Layer& l, tenon_value x, int64_t k, const std::string& method) {
  Pool p;
  p.method = method;
  int64_t cells = int64_t{1} << k;
  for (int64_t axis : {2, 3}) {
    int64_t size = l.dim(x, axis), kernel = (size + cells - 1) / cells;
    if (size < cells) throw invalid("the bottom is smaller than the pyramid").with("expected", "at least " + std::to_string(cells)).with("found", std::to_string(size));
    p.kernel.push_back(kernel);
    p.stride.push_back(kernel);
    p.pad.push_back((kernel * cells - size + 1) / 2);
  }
  return p;
}

void lower_spp(Lower& lower) {
  Layer l(lower, "spp_param");
  l.arity(1, 1);
  need_image(l, 4);
  tenon_value x = l.in();
  int64_t height = l.at_least("pyramid_height", 1, 0);
  std::string method = l.s("pool", "MAX");
  if (l.dim(x, 2) < 0 || l.dim(x, 3) < 0) throw unsupported("spatial pyramid pooling needs the size of its bottom").with("hint", "give fixed sizes with \"shapes\"");
  if (height > 20) throw invalid("pyramid_height has the value " + std::to_string(height));
  Values levels;
  for (int64_t k = 0; k < height; ++k) {
    tenon_value y = pool(l, x, pyramid_level(l, x, k, method), false)[0];
    if (height == 1) return l.done({y});
    levels.push_back(l.emit("Reshape", {y, l.ints({0, -1})}));
  }
  l.to("Concat", levels, AttrList{}.set("axis", 1));
}
TENON_LOWERING("caffe", "SPP", 1, lower_spp);

/// Elements of x at their positions in planes of height x width, zeros elsewhere. Where two have the same position the last one counts.
tenon_value unpool(const Layer& l, tenon_value x, tenon_value mask, tenon_value height, tenon_value width) {
  tenon_value planes = l.emit("Mul", {dim_value(l, x, 0), dim_value(l, x, 1)});
  tenon_value flat = l.emit("Concat", {planes, l.emit("Mul", {height, width})}, AttrList{}.set("axis", 0));
  auto rows = [&](tenon_value v) { return l.emit("Reshape", {v, l.emit("Concat", {planes, l.ints({-1})}, AttrList{}.set("axis", 0))}); };
  tenon_value zeros = l.emit("Expand", {l.scalar(0), flat});
  tenon_value y = l.emit("ScatterElements", {zeros, rows(l.cast(mask, dt::i64)), rows(x)}, AttrList{}.set("axis", 1));
  return reshape(l, y, Shape(l).of(x, 0).of(x, 1).value(height).value(width));
}

tenon_value scaled(const Layer& l, tenon_value size, int64_t factor, int64_t less) {
  tenon_value v = l.emit("Mul", {size, l.ints({factor})});
  return less ? l.emit("Sub", {v, l.ints({less})}) : v;
}

// SegNet: unpooling by a mask; upsample_h, upsample_w or scale give the size, pad_out_* take one element off.
void lower_unpool(const Layer& l) {
  tenon_value x = l.in(0);
  int64_t scale = l.at_least("scale", 1, 2), sh = l.at_least("scale_h", 1, scale), sw = l.at_least("scale_w", 1, scale);
  int64_t h = l.at_least("upsample_h", 0, 0), w = l.at_least("upsample_w", 0, 0);
  int64_t less_h = l.flag("pad_out_h", false), less_w = l.flag("pad_out_w", false);
  tenon_value height = h ? l.ints({h}) : scaled(l, dim_value(l, x, 2), sh, less_h), width = w ? l.ints({w}) : scaled(l, dim_value(l, x, 3), sw, less_w);
  l.done({unpool(l, x, l.in(1), height, width)});
}

void lower_upsample(Lower& lower) {
  Layer l(lower, "upsample_param");
  l.arity(1, 2);
  need_image(l, 4);
  if (l.bottoms() == 2) return lower_unpool(l);
  int64_t scale = l.at_least("scale", 1, 1), sh = l.at_least("scale_h", 1, scale), sw = l.at_least("scale_w", 1, scale);
  tenon_value x = l.in();
  tenon_value sizes = Shape(l).of(x, 0).of(x, 1).value(scaled(l, dim_value(l, x, 2), sh, 0)).value(scaled(l, dim_value(l, x, 3), sw, 0)).get();
  AttrList a;
  a.add("mode", "nearest").add("coordinate_transformation_mode", "asymmetric").add("nearest_mode", "floor");
  l.to("Resize", {x, 0, 0, sizes}, a);
}
TENON_LOWERING("caffe", "Upsample", 1, lower_upsample);

// The inverse of the max pooling with the same parameters, by that pooling's mask.
void lower_max_unpool(Lower& lower) {
  Layer l(lower, "pooling_param");
  l.arity(2, 2);
  need_image(l, 4);
  l.ignore({"pool"});
  tenon_value x = l.in();
  Ints kernel = both(l, "kernel_size", "kernel", 0, 1), stride = both(l, "stride", "stride", 1, 1), pad = both(l, "pad", "pad", 0, 0);
  auto size = [&](size_t k) { return scaled(l, dim_value(l, x, static_cast<int64_t>(k) + 2), stride[k], stride[k] - kernel[k] + 2 * pad[k]); };
  l.done({unpool(l, x, l.in(1), size(0), size(1))});
}
TENON_LOWERING("caffe", "MaxUnpool", 1, lower_max_unpool);

}  // namespace
}  // namespace tenon::caffe
