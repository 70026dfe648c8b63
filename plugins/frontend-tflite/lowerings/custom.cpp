// SPDX-License-Identifier: Apache-2.0
// custom.cpp - custom operators that MediaPipe's models have. Their options are a structure of the runtime: 32-bit numbers, of which
// padding is 1 for SAME and 2 for VALID.
#include "lowerings/common/window.hpp"

#include <algorithm>
#include <cstring>

namespace tenon::tflite {
namespace {

std::vector<int32_t> fields(const Lower& l, size_t least) {
  const tenon_attr* a = l.find("custom_options");
  if (!a || a->type != TENON_AT_RAW || a->count < least * 4) throw invalid("the custom options are too short").with("expected", std::to_string(least * 4) + " bytes").with("found", std::to_string(a ? a->count : 0));
  std::vector<int32_t> r(least);
  std::memcpy(r.data(), a->v.raw, least * 4);
  return r;
}

bool same_padding(int32_t padding) {
  if (padding != 1 && padding != 2) throw invalid("this padding is not known").with("expected", "1 (SAME) or 2 (VALID)").with("found", std::to_string(padding));
  return padding == 1;
}

// Data, weights [out, H, W, in], bias; options: padding, stride_w, stride_h. SAME makes size * stride elements, VALID all that the
// windows reach.
void lower_convolution_2d_transpose_bias(Lower& l) {
  arity(l, 3, 3);
  auto o = fields(l, 3);
  tenon_value x = need(l, 0), w = need(l, 1);
  auto info = l.info(w);
  if (info.rank() != 4) throw invalid("the weights of a convolution have a wrong rank").with("expected", "4");
  const int64_t strides[] = {o[2], o[1]};
  std::vector<int64_t> pads(4, 0), extra(2, 0);
  for (int32_t k = 0; k < 2; ++k) {
    int64_t kernel = info.dim(k + 1), stride = strides[k];
    if (kernel < 1 || stride < 1) throw invalid("a window's sizes and strides are positive");
    if (!same_padding(o[0])) continue;
    int64_t total = std::max<int64_t>(0, kernel - stride);
    pads[static_cast<size_t>(k)] = total / 2;
    pads[static_cast<size_t>(k) + 2] = total - total / 2;
    extra[static_cast<size_t>(k)] = std::max<int64_t>(0, stride - kernel);
  }
  AttrList a;
  a.add("strides", std::vector<int64_t>{strides[0], strides[1]}).add("pads", pads).add("output_padding", extra);
  finish(l, {channels_last(l, l.emit("ConvTranspose", {channels_first(l, x), transpose(l, w, {3, 0, 1, 2}), need(l, 2)}, a))});
}
TENON_LOWERING("tflite.custom", "Convolution2DTransposeBias", 1, lower_convolution_2d_transpose_bias);

// padding, stride_w, stride_h, filter_w, filter_h
Window pool_window(const Lower& l, std::string* padding) {
  auto o = fields(l, 5);
  *padding = same_padding(o[0]) ? "SAME" : "VALID";
  return {{o[4], o[3]}, {o[2], o[1]}, {}, {}, false};
}

// Positions along an axis of length n as a tensor that broadcasts over [N, C, H, W].
tenon_value positions(Lower& l, tenon_value n, int64_t axis) {
  std::vector<int64_t> shape{1, 1, 1, 1};
  shape[static_cast<size_t>(axis)] = -1;
  return reshape(l, l.emit("Range", {l.scalar<int64_t>(0), l.emit("Reshape", {n, l.ints({})}), l.scalar<int64_t>(1)}), shape);
}

tenon_value combine(Lower& l, std::string_view op, tenon_value a, int64_t b) { return l.emit(op, {a, l.scalar<int64_t>(b)}); }

// The second output tells where in its window each maximum lies: row * width + column, and 0.1 so that truncating it is safe.
void lower_max_pooling_with_argmax_2d(Lower& l) {
  arity(l, 1, 1, 2);
  tenon_value x = need(l, 0);
  std::string padding;
  Window w = pool_window(l, &padding);
  pad_window(l, x, padding, w);
  if (w.deferred) throw unsupported("the size of the image is not known");
  AttrList a;
  a.add("kernel_shape", w.kernel);
  write(w, a, false);
  auto pooled = l.emit_n("MaxPool", {channels_first(l, x)}, a, 2);
  tenon_value width = dim(l, x, 2), height = dim(l, x, 1);
  tenon_value column = l.emit("Mod", {pooled[1], width}), row = l.emit("Mod", {l.emit("Div", {pooled[1], width}), height});
  auto within = [&](tenon_value at, int64_t axis, size_t k) {
    tenon_value first = combine(l, "Sub", combine(l, "Mul", positions(l, shape(l, pooled[0], axis, axis + 1), axis), w.strides[k]), w.pads[k]);
    return l.emit("Sub", {at, first});
  };
  tenon_value index = l.emit("Add", {combine(l, "Mul", within(row, 2, 0), w.kernel[1]), within(column, 3, 1)});
  tenon_value real = l.emit("Add", {l.emit("Cast", {index}, AttrList{}.set("to", "f32")), l.scalar<float>(0.1f)});
  Values out{channels_last(l, pooled[0])};
  if (l.n_out() > 1) out.push_back(channels_last(l, real));
  finish(l, out);
}
TENON_LOWERING("tflite.custom", "MaxPoolingWithArgmax2D", 1, lower_max_pooling_with_argmax_2d);

// The way back: each element goes to its place in its window, everything else is 0. Windows do not overlap.
void lower_max_unpooling_2d(Lower& l) {
  arity(l, 2, 2);
  std::string padding;
  Window w = pool_window(l, &padding);
  if (w.kernel != w.strides) throw unsupported("unpooling with windows that overlap or leave gaps");
  tenon_value x = channels_first(l, need(l, 0));
  tenon_value index = channels_first(l, l.emit("Cast", {need(l, 1)}, AttrList{}.set("to", "i64")));
  tenon_value height = dim(l, l.in(0), 1), width = dim(l, l.in(0), 2), channels = dim(l, l.in(0), 3), batch = dim(l, l.in(0), 0);
  tenon_value out_h = combine(l, "Mul", height, w.strides[0]), out_w = combine(l, "Mul", width, w.strides[1]);
  tenon_value row = l.emit("Add", {combine(l, "Mul", positions(l, height, 2), w.strides[0]), combine(l, "Div", index, w.kernel[1])});
  tenon_value column = l.emit("Add", {combine(l, "Mul", positions(l, width, 3), w.strides[1]), combine(l, "Mod", index, w.kernel[1])});
  tenon_value plane = l.emit("Add", {l.emit("Mul", {positions(l, batch, 0), channels}), positions(l, channels, 1)});
  tenon_value flat = l.emit("Add", {l.emit("Mul", {l.emit("Add", {l.emit("Mul", {plane, out_h}), row}), out_w}), column});
  AttrList a;
  a.add("kernel_shape", w.kernel).add("strides", w.strides);
  tenon_value y = l.emit("MaxUnpool", {x, flat, concat(l, {batch, channels, out_h, out_w}, 0)}, a);
  finish(l, {channels_last(l, y)});
}
TENON_LOWERING("tflite.custom", "MaxUnpooling2D", 1, lower_max_unpooling_2d);

}  // namespace
}  // namespace tenon::tflite
