// SPDX-License-Identifier: Apache-2.0
// conv.cpp - convolutions, with channels last and weights in orders of their own.
#include "lowerings/common/window.hpp"

#include <algorithm>

namespace tenon::tflite {
namespace {

constexpr const char* kAxis[] = {"d", "h", "w"};

// Values of options "<before><axis><after>" for the last n of depth, height and width.
std::vector<int64_t> per_axis(const Lower& l, size_t n, const std::string& before, const std::string& after, int64_t otherwise) {
  std::vector<int64_t> r;
  for (size_t k = 3 - n; k < 3; ++k) r.push_back(l.i(before + kAxis[k] + after, otherwise));
  return r;
}

// Weights' dimensions [begin, begin + n).
std::vector<int64_t> kernel_of(const Lower& l, tenon_value w, int32_t begin, size_t n, int32_t rank) {
  auto info = l.info(w);
  if (info.rank() >= 0 && info.rank() != rank) throw invalid("the weights of a convolution have a wrong rank").with("expected", std::to_string(rank)).with("found", std::to_string(info.rank()));
  std::vector<int64_t> r;
  for (size_t k = 0; k < n; ++k) r.push_back(info.rank() < 0 || info.dim(begin + static_cast<int32_t>(k)) < 0 ? TENON_DIM_UNKNOWN : info.dim(begin + static_cast<int32_t>(k)));
  return r;
}

int64_t known_dim(const Lower& l, tenon_value v, int32_t k) {
  auto info = l.info(v);
  int32_t at = k < 0 ? k + info.rank() : k;
  return info.rank() < 0 || at < 0 || at >= info.rank() ? TENON_DIM_UNKNOWN : info.dim(at);
}

void check_rank(const Lower& l, tenon_value x, size_t n) {
  int32_t rank = l.info(x).rank();
  if (rank >= 0 && rank != static_cast<int32_t>(n) + 2) throw invalid("the data of a convolution has a wrong rank").with("expected", std::to_string(n + 2)).with("found", std::to_string(rank));
}

// x [N, spatial..., C] with weights in the IR's order.
void convolve(Lower& l, size_t n, tenon_value x, tenon_value w, Window& window, int64_t group) {
  check_rank(l, x, n);
  tenon_dtype t = type_of(l, x);
  pad_window(l, x, l.s("padding", "SAME"), window);
  AttrList a;
  write(window, a);
  a.add("group", group);
  Values in{channels_first(l, x, n), w};
  if (l.has_in(2)) in.push_back(l.in(2));
  finish(l, {channels_last(l, activate(l, l.emit("Conv", in, a), t), n)});
}

void lower_conv_2d(Lower& l) {
  known(l, {"padding", "stride_w", "stride_h", "fused_activation_function", "dilation_w_factor", "dilation_h_factor", "quantized_bias_type"});
  arity(l, 2, 3);
  tenon_value x = need(l, 0), w = need(l, 1);
  Window window{kernel_of(l, w, 1, 2, 4), per_axis(l, 2, "stride_", "", 1), per_axis(l, 2, "dilation_", "_factor", 1), {}, false};
  int64_t channels = known_dim(l, x, -1), each = known_dim(l, w, 3);
  if (channels > 0 && each > 0 && channels % each) throw invalid("input channels are no multiple of the weights'").with("expected", "a multiple of " + std::to_string(each)).with("found", std::to_string(channels));
  convolve(l, 2, x, transpose(l, w, {0, 3, 1, 2}), window, channels > 0 && each > 0 ? channels / each : 1);
}
TFLITE_LOWERING("CONV_2D", lower_conv_2d);

// Weights [1, H, W, C * multiplier]: output channel c * multiplier + k belongs to input channel c.
void lower_depthwise_conv_2d(Lower& l) {
  known(l, {"padding", "stride_w", "stride_h", "depth_multiplier", "fused_activation_function", "dilation_w_factor", "dilation_h_factor"});
  arity(l, 2, 3);
  tenon_value x = need(l, 0), w = need(l, 1);
  Window window{kernel_of(l, w, 1, 2, 4), per_axis(l, 2, "stride_", "", 1), per_axis(l, 2, "dilation_", "_factor", 1), {}, false};
  int64_t channels = known_dim(l, x, -1), out = known_dim(l, w, 3), multiplier = l.i("depth_multiplier");
  if (channels < 0 && out >= 0 && multiplier > 0) channels = out / multiplier;
  if (channels < 1) throw unsupported("the number of channels of a depthwise convolution is not known");
  if (out >= 0 && out % channels) throw invalid("output channels are no multiple of the input's").with("expected", "a multiple of " + std::to_string(channels)).with("found", std::to_string(out));
  convolve(l, 2, x, transpose(l, w, {3, 0, 1, 2}), window, channels);
}
TFLITE_LOWERING("DEPTHWISE_CONV_2D", lower_depthwise_conv_2d);

// Weights [D, H, W, in, out].
void lower_conv_3d(Lower& l) {
  known(l, {"padding", "stride_d", "stride_w", "stride_h", "fused_activation_function", "dilation_d_factor", "dilation_w_factor", "dilation_h_factor"});
  arity(l, 2, 3);
  tenon_value x = need(l, 0), w = need(l, 1);
  Window window{kernel_of(l, w, 0, 3, 5), per_axis(l, 3, "stride_", "", 1), per_axis(l, 3, "dilation_", "_factor", 1), {}, false};
  int64_t channels = known_dim(l, x, -1), each = known_dim(l, w, 3);
  convolve(l, 3, x, transpose(l, w, {4, 3, 0, 1, 2}), window, channels > 0 && each > 0 && channels % each == 0 ? channels / each : 1);
}
TFLITE_LOWERING("CONV_3D", lower_conv_3d);

// Sizes of the output: input 0, or what the file declares.
std::vector<int64_t> output_sizes(const Lower& l, size_t n) {
  std::vector<int64_t> r(n, TENON_DIM_UNKNOWN);
  auto given = constant_ints(l, l.in(0));
  if (given && given->size() != n + 2) throw invalid("the output shape of a transposed convolution has a wrong length").with("expected", std::to_string(n + 2)).with("found", std::to_string(given->size()));
  for (size_t k = 0; k < n; ++k) r[k] = given ? (*given)[k + 1] : known_dim(l, l.out(0), static_cast<int32_t>(k) + 1);
  return r;
}

struct Transposed {
  Window window;
  std::vector<int64_t> output_padding;
};

// The padding is that of the convolution which leads from the output back to the input.
void crop(Transposed& t, size_t k, int64_t in, int64_t out, bool same) {
  Window& w = t.window;
  int64_t reach = (w.kernel[k] - 1) * w.dilations[k] + 1, windows = same ? (out + w.strides[k] - 1) / w.strides[k] : (out - reach + w.strides[k]) / w.strides[k];
  int64_t total = std::max<int64_t>(0, (windows - 1) * w.strides[k] + reach - out), end = (in - 1) * w.strides[k] + reach - total / 2 - out;
  size_t n = w.strides.size();
  w.pads[k] = total / 2;
  w.pads[n + k] = std::max<int64_t>(end, 0);
  t.output_padding[k] = std::max<int64_t>(-end, 0);
}

// Without knowing the sizes: SAME makes size * stride elements, VALID all that the windows reach.
void crop_unsized(Transposed& t, size_t k, bool same) {
  Window& w = t.window;
  if (!same) return;
  int64_t total = (w.kernel[k] - 1) * w.dilations[k] + 1 - w.strides[k];
  w.pads[k] = std::max<int64_t>(total, 0) / 2;
  w.pads[w.strides.size() + k] = std::max<int64_t>(total, 0) - w.pads[k];
  t.output_padding[k] = std::max<int64_t>(-total, 0);
}

void lower_transposed(Lower& l, size_t n, tenon_value x, tenon_value w, std::vector<int64_t> kernel, std::vector<int64_t> dilations) {
  check_rank(l, x, n);
  Transposed t;
  std::string padding = l.s("padding", "SAME");
  t.window = {std::move(kernel), per_axis(l, n, "stride_", "", 1), std::move(dilations), {}, false};
  pad_window(l, x, "VALID", t.window);
  t.output_padding.assign(n, 0);
  auto sizes = output_sizes(l, n);
  for (size_t k = 0; k < n; ++k) {
    if (t.window.kernel[k] < 0) throw unsupported("the window of a transposed convolution is not known");
    int64_t in = known_dim(l, x, static_cast<int32_t>(k) + 1);
    if (in >= 0 && sizes[k] >= 0) crop(t, k, in, sizes[k], padding == "SAME");
    else crop_unsized(t, k, padding == "SAME");
  }
  AttrList a;
  write(t.window, a);
  a.add("output_padding", t.output_padding);
  Values in{channels_first(l, x, n), w};
  if (l.has_in(3)) in.push_back(l.in(3));
  tenon_dtype type = type_of(l, x);
  tenon_value y = channels_last(l, activate(l, l.emit("ConvTranspose", in, a), type), n);
  // A computed output shape is checked where it is known: when the model runs.
  if (!constant_ints(l, l.in(0))) y = l.emit("Reshape", {y, index_list(l, l.in(0))});
  finish(l, {y});
}

// Inputs: output shape, weights [out, H, W, in], data, bias.
void lower_transpose_conv(Lower& l) {
  known(l, {"padding", "stride_w", "stride_h", "fused_activation_function", "quantized_bias_type"});
  arity(l, 3, 4);
  need(l, 0);
  tenon_value w = need(l, 1), x = need(l, 2);
  auto kernel = kernel_of(l, w, 1, 2, 4);
  lower_transposed(l, 2, x, transpose(l, w, {3, 0, 1, 2}), kernel, {1, 1});
}
TFLITE_LOWERING("TRANSPOSE_CONV", lower_transpose_conv);

// Weights [D, H, W, out, in].
void lower_conv_3d_transpose(Lower& l) {
  known(l, {"padding", "stride_d", "stride_w", "stride_h", "fused_activation_function", "dilation_d_factor", "dilation_w_factor", "dilation_h_factor"});
  arity(l, 3, 4);
  need(l, 0);
  tenon_value w = need(l, 1), x = need(l, 2);
  auto kernel = kernel_of(l, w, 0, 3, 5);
  lower_transposed(l, 3, x, transpose(l, w, {4, 3, 0, 1, 2}), kernel, per_axis(l, 3, "dilation_", "_factor", 1));
}
TFLITE_LOWERING("CONV_3D_TRANSPOSE", lower_conv_3d_transpose);

}  // namespace
}  // namespace tenon::tflite
