// SPDX-License-Identifier: Apache-2.0
// conv.cpp - Conv and ConvTranspose.
#include "conv.hpp"

#include <algorithm>

namespace tenon::onnx {
namespace {

// Window size for each spatial axis, from the attribute and the weights, which must agree.
std::vector<int64_t> kernel_of(Lower& l, tenon_value x, tenon_value w) {
  auto info = l.info(w);
  std::vector<int64_t> kernel = attr_ints(l, "kernel_shape");
  size_t spatial = kernel.size();
  if (info.rank() >= 0) spatial = static_cast<size_t>(std::max(info.rank() - 2, 0));
  else if (!spatial) spatial = static_cast<size_t>(std::max(rank_of(l, x, "a convolution") - 2, 0));
  if (spatial == 0) throw invalid("a convolution needs weights with at least three dimensions");
  if (!kernel.empty() && kernel.size() != spatial)
    throw invalid("attribute 'kernel_shape' does not fit the weights").with("expected", std::to_string(spatial) + " entries").with("found", std::to_string(kernel.size()));
  if (l.info(x).rank() >= 0 && static_cast<size_t>(l.info(x).rank()) != spatial + 2)
    throw invalid("the ranks of data and weights differ").with("expected", std::to_string(spatial + 2)).with("found", std::to_string(l.info(x).rank()));
  for (size_t k = 0; k < spatial && info.rank() >= 0; ++k) {
    int64_t d = info.dim(static_cast<int32_t>(k) + 2);
    if (kernel.size() < spatial) kernel.push_back(d < 0 ? TENON_DIM_UNKNOWN : d);
    else if (d >= 0 && kernel[k] != d) throw invalid("attribute 'kernel_shape' does not fit the weights").with("expected", std::to_string(d)).with("found", std::to_string(kernel[k]));
  }
  kernel.resize(spatial, TENON_DIM_UNKNOWN);
  return kernel;
}

}  // namespace

AttrList conv_attributes(Lower& l, tenon_value x, tenon_value w) {
  Window win = read_window(l, x, kernel_of(l, x, w));
  AttrList a;
  win.write(a);
  a.add("group", l.i("group", 1));
  return a;
}

namespace {

void lower_conv(Lower& l) {
  known(l, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"});
  arity(l, 2, 3);
  AttrList a = conv_attributes(l, need(l, 0), need(l, 1));
  l.to("Conv", inputs(l), a);
}
TENON_LOWERING("onnx", "Conv", 1, lower_conv);

// What is left of the attributes when output sizes and SAME padding are worked out.
struct Transposed {
  Window w;
  std::vector<int64_t> output_padding, output_shape;
};

// Cuts `total` from a full output; a negative one adds rows at the end instead.
void cut(Transposed& t, size_t k, int64_t total, bool lower) {
  if (total < 0) t.output_padding[k] -= total;
  split_padding(std::max<int64_t>(total, 0), lower, &t.w.pads[k], &t.w.pads[t.w.spatial + k]);
}

// SAME: output = input * stride, so the cut does not depend on the input's size. As in ONNX's own shape inference, nothing is
// added where the window is smaller than the stride.
bool resolve_same(Transposed& t) {
  for (int64_t k : t.w.kernel)
    if (k < 0) return false;
  bool lower = t.w.auto_pad == "SAME_LOWER";
  for (size_t k = 0; k < t.w.spatial; ++k) cut(t, k, std::max<int64_t>(0, (t.w.kernel[k] - 1) * t.w.dilations[k] + 1 + t.output_padding[k] - t.w.strides[k]), lower);
  t.w.auto_pad.clear();
  return true;
}

// output_shape decides the cut; the odd row is cut at the end for SAME_UPPER, else at the beginning. (Before opset 11 the text had it
// the other way round, and its attribute's description as here.)
bool resolve_shape(Transposed& t, const ValueInfo& x) {
  for (size_t k = 0; k < t.w.spatial; ++k)
    if (t.w.kernel[k] < 0 || x.rank() < 0 || x.dim(static_cast<int32_t>(k) + 2) < 0) return false;
  bool lower = t.w.auto_pad != "SAME_UPPER";
  for (size_t k = 0; k < t.w.spatial; ++k) {
    int64_t full = t.w.strides[k] * (x.dim(static_cast<int32_t>(k) + 2) - 1) + t.output_padding[k] + (t.w.kernel[k] - 1) * t.w.dilations[k] + 1;
    cut(t, k, full - t.output_shape[k], lower);
  }
  t.w.auto_pad.clear();
  t.output_shape.clear();
  return true;
}

void lower_conv_transpose(Lower& l) {
  known(l, {"auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides"});
  arity(l, 2, 3);
  tenon_value x = need(l, 0), w = need(l, 1);
  Transposed t;
  t.w = read_window(l, x, kernel_of(l, x, w), false);
  t.output_padding = attr_ints(l, "output_padding", std::vector<int64_t>(t.w.spatial, 0));
  t.output_shape = attr_ints(l, "output_shape");
  if (t.output_padding.empty()) t.output_padding.assign(t.w.spatial, 0);
  if (t.output_shape.size() == t.w.spatial + 2) t.output_shape.erase(t.output_shape.begin(), t.output_shape.begin() + 2);
  if (t.output_padding.size() != t.w.spatial || (!t.output_shape.empty() && t.output_shape.size() != t.w.spatial))
    throw invalid("attributes 'output_padding' and 'output_shape' need one entry for each spatial axis");
  if (!t.output_shape.empty()) resolve_shape(t, l.info(x));
  else if (!t.w.auto_pad.empty()) resolve_same(t);
  AttrList a;
  t.w.write(a);
  a.add("group", l.i("group", 1)).add("output_padding", t.output_padding);
  if (!t.output_shape.empty()) a.add("output_shape", t.output_shape);
  l.to("ConvTranspose", inputs(l), a);
}
TENON_LOWERING("onnx", "ConvTranspose", 1, lower_conv_transpose);

void lower_deform_conv(Lower& l) {
  known(l, {"dilations", "group", "kernel_shape", "offset_group", "pads", "strides"});
  arity(l, 3, 5);
  tenon_value x = need(l, 0), w = need(l, 1);
  AttrList a = conv_attributes(l, x, w);
  a.add("offset_group", l.i("offset_group", 1));
  l.to("DeformConv", inputs(l), a);
}
TENON_LOWERING("onnx", "DeformConv", 19, lower_deform_conv);

}  // namespace
}  // namespace tenon::onnx
