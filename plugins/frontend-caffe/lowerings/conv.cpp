// SPDX-License-Identifier: Apache-2.0
// conv.cpp - convolutions. Sizes round down; every dimension of the kernel is one entry or one for all axes.
#include "common.hpp"

namespace tenon::caffe {
namespace {

struct Window {
  Ints kernel, stride, pad, dilation;
  AttrList attributes() const {
    Ints pads = pad;
    pads.insert(pads.end(), pad.begin(), pad.end());
    AttrList a;
    a.add("kernel_shape", kernel).add("strides", stride).add("dilations", dilation).add("pads", pads);
    return a;
  }
};

/// One value for each spatial axis from `name`, or from name_h and name_w.
Ints per_axis(const Layer& l, const std::string& name, const std::string& short_name, size_t n, int64_t otherwise, int64_t least) {
  Ints v = l.list(name);
  bool by_side = l.has(short_name + "_h") || l.has(short_name + "_w");
  if (by_side) {
    if (n != 2 || !v.empty()) throw invalid("parameters '" + name + "' and '" + short_name + "_h', '" + short_name + "_w' contradict each other, or the layer is not two-dimensional");
    v = {l.i(short_name + "_h", otherwise), l.i(short_name + "_w", otherwise)};
  }
  if (v.empty()) v.assign(n, otherwise);
  if (v.size() == 1) v.assign(n, v[0]);
  if (v.size() != n) throw invalid("parameter '" + name + "' has the wrong number of entries").with("expected", "1 or " + std::to_string(n)).with("found", std::to_string(v.size()));
  for (int64_t x : v)
    if (x < least || x > (int64_t{1} << 24)) throw invalid("parameter '" + name + "' has the value " + std::to_string(x)).with("expected", "at least " + std::to_string(least));
  return v;
}

Window read_window(const Layer& l, size_t spatial) {
  Window w;
  w.kernel = per_axis(l, "kernel_size", "kernel", spatial, 0, 1);
  w.stride = per_axis(l, "stride", "stride", spatial, 1, 1);
  w.pad = per_axis(l, "pad", "pad", spatial, 0, 0);
  w.dilation = l.list("dilation").empty() ? Ints(spatial, 1) : per_axis(l, "dilation", "dilation", spatial, 1, 1);
  return w;
}

/// Dimensions before the channels, if they are not just one, joined into the first.
struct Batch {
  const Layer& l;
  int64_t axis, rank;
  Batch(const Layer& layer, tenon_value x) : l(layer), axis(layer.axis(layer.i("axis", 1), layer.rank(x))), rank(layer.rank(x)) {}
  tenon_value join(tenon_value x) const {
    if (axis == 1) return x;
    return reshape(l, x, Shape(l).number(axis == 0 ? 1 : -1).range(x, axis, rank));
  }
  tenon_value restore(tenon_value y, tenon_value x) const {
    if (axis == 1) return y;
    return reshape(l, y, Shape(l).range(x, 0, axis).range(y, 1, rank - axis + 1));
  }
};

int64_t groups(const Layer& l, int64_t outputs) {
  int64_t group = l.at_least("group", 1, 1);
  if (outputs % group) throw invalid("num_output is no multiple of group").with("found", std::to_string(outputs) + " and " + std::to_string(group));
  return group;
}

/// One convolution for each bottom, all with the same weights.
void convolve(const Layer& l, std::string_view op, bool depthwise) {
  if (l.bottoms() == 0 || l.bottoms() != l.tops()) throw invalid("a convolution needs one top for each bottom");
  l.ignore({"force_nd_im2col"});
  int64_t outputs = l.at_least("num_output", 1, 0);
  Values tops;
  for (uint64_t k = 0; k < l.bottoms(); ++k) {
    Batch batch(l, l.in(k));
    tenon_value x = batch.join(l.in(k));
    if (batch.rank - batch.axis < 2) throw invalid("a convolution needs at least one spatial axis").with("found", text(l.info(l.in(k)).dims()));
    auto spatial = static_cast<size_t>(batch.rank - batch.axis - 1);
    Window w = read_window(l, spatial);
    int64_t channels = l.dim(l.in(k), batch.axis), group = depthwise && !l.has("group") ? outputs : groups(l, outputs);
    bool transposed = op == "ConvTranspose";
    if (channels >= 0 && channels % group) throw invalid("the channels of the bottom are no multiple of group").with("found", std::to_string(channels) + " and " + std::to_string(group));
    int64_t inner = channels < 0 ? -1 : channels / group;
    Dims dims = transposed ? Dims{channels, outputs / group} : Dims{outputs, inner};
    dims.insert(dims.end(), w.kernel.begin(), w.kernel.end());
    Values in = {x, l.blob(0, dims, "weight_filler")};
    if (l.flag("bias_term", true)) in.push_back(l.blob(1, {outputs}, "bias_filler"));
    AttrList a = w.attributes();
    a.add("group", group);
    tops.push_back(batch.restore(l.emit(op, in, a), l.in(k)));
  }
  l.done(tops);
}

void lower_convolution(Lower& l) { convolve(Layer(l, "convolution_param"), "Conv", false); }
TENON_LOWERING("caffe", "Convolution", 1, lower_convolution);
void lower_deconvolution(Lower& l) { convolve(Layer(l, "convolution_param"), "ConvTranspose", false); }
TENON_LOWERING("caffe", "Deconvolution", 1, lower_deconvolution);
void lower_depthwise(Lower& l) { convolve(Layer(l, "convolution_param"), "Conv", true); }
TENON_LOWERING("caffe", "DepthwiseConvolution", 1, lower_depthwise);
TENON_LOWERING("caffe", "ConvolutionDepthwise", 1, lower_depthwise);
TENON_LOWERING("caffe", "DepthwiseConv", 1, lower_depthwise);

// C3D: kernel_size, stride and pad of the image, kernel_depth, temporal_stride and temporal_pad of time
void lower_convolution_3d(Lower& lower) {
  Layer l(lower, "convolution3d_param");
  l.arity(1, 1);
  l.ignore({"filter_group"});
  tenon_value x = l.in();
  if (l.rank(x) != 5) throw invalid("a Convolution3D needs a bottom of 5 dimensions").with("found", text(l.info(x).dims()));
  int64_t outputs = l.at_least("num_output", 1, 0), group = groups(l, outputs), channels = l.dim(x, 1);
  int64_t k = l.at_least("kernel_size", 1, 0), s = l.at_least("stride", 1, 1), p = l.at_least("pad", 0, 0);
  Window w{{l.at_least("kernel_depth", 1, 0), k, k}, {l.at_least("temporal_stride", 1, 1), s, s}, {l.at_least("temporal_pad", 0, 0), p, p}, {1, 1, 1}};
  Values in = {x, l.blob(0, {outputs, channels < 0 ? -1 : channels / group, w.kernel[0], k, k}, "weight_filler")};
  if (l.flag("bias_term", true)) in.push_back(l.blob(1, {outputs}, "bias_filler"));
  AttrList a = w.attributes();
  a.add("group", group);
  l.to("Conv", in, a);
}
TENON_LOWERING("caffe", "Convolution3D", 1, lower_convolution_3d);

void lower_im2col(Lower& lower) {
  Layer l(lower, "convolution_param");
  l.arity(1, 1);
  l.ignore({"num_output", "bias_term", "group", "force_nd_im2col"});
  tenon_value x = l.in();
  if (l.axis(l.i("axis", 1), l.rank(x)) != 1) throw unsupported("Im2col with another axis than 1 is not supported");
  Window w = read_window(l, static_cast<size_t>(l.rank(x) - 2));
  AttrList a = w.attributes();
  l.to("Im2Col", {x}, a);
}
TENON_LOWERING("caffe", "Im2col", 1, lower_im2col);

}  // namespace
}  // namespace tenon::caffe
