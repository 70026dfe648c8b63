// SPDX-License-Identifier: Apache-2.0
// conv.cpp - CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV of quantized tensors.
#include "dispatch.hpp"
#include "hybrid.hpp"
#include "image.hpp"
#include "options.hpp"
#include "products.hpp"

namespace tenon::tflite::quantized {
namespace {

struct Layout {
  bool depthwise;
  std::vector<int64_t> order;  ///< of the weights' dimensions in the IR
  int64_t axis;                ///< of the output channels in the file
};
const Layout kOrdinary{false, {0, 3, 1, 2}, 0}, kDepthwise{true, {3, 0, 1, 2}, 3};

int64_t groups(const Lower& l, const Layout& t) {
  if (t.depthwise) return known_dim(l, l.in(0), 3);
  const int64_t channels = known_dim(l, l.in(0), 3), own = known_dim(l, l.in(1), 3);
  if (own < 1 || channels % own) throw invalid("the weights' input channels do not divide the data's").with("found", std::to_string(own) + " of " + std::to_string(channels));
  return channels / own;
}

AttrList conv_attributes(Lower& l, const Layout& t) {
  AttrList a = image_window(l, l.in(0), known_dim(l, l.in(1), 1), known_dim(l, l.in(1), 2)).attributes();
  a.add("group", groups(l, t));
  return a;
}

bool lower_quantized(Lower& l, const Layout& t, const Product& p) {
  check_weights(p, t.axis);
  Build b(l);
  const tenon_value w = b.transpose(whole_bytes(b, l.in(1)), t.order), x = to_channels_first(b, l.in(0));
  Values in{x, w, zero_point(b, p.x, p.x.type), p.w.per_axis() ? 0 : zero_point(b, p.w, b.info(w).type() == dt::none ? p.w.type : b.info(w).type())};
  while (!in.back()) in.pop_back();
  const tenon_value sums = b.emit("ConvInteger", in, conv_attributes(l, t));
  const bool byte = p.x.type == dt::u8, grouped = !t.depthwise && groups(l, t) > 1;
  const ProductEnd end{1, 4, activation(l), (byte && t.depthwise) || grouped ? "double" : "double_up", byte};
  finish(l, {to_channels_last(b, finish_product(b, sums, l.has_in(2) ? l.in(2) : 0, p, end))});
  return true;
}

bool lower_conv(Lower& l, const Layout& t) {
  const Product p{input_affine(l, 0), input_affine(l, 1), output_affine(l)};
  if (p.integer()) return lower_quantized(l, t, p);
  if (!is_hybrid(p)) return false;
  check_weights(p, t.axis);
  Build b(l);
  AttrList a = conv_attributes(l, t);
  const tenon_value w = b.transpose(whole_bytes(b, l.in(1)), t.order);
  finish(l, {hybrid_convolution(b, l, p, w, std::move(a), t.depthwise)});
  return true;
}
bool lower_conv_2d(Lower& l) {
  known(l, {"padding", "stride_w", "stride_h", "fused_activation_function", "dilation_w_factor", "dilation_h_factor", "quantized_bias_type"});
  return lower_conv(l, kOrdinary);
}
bool lower_depthwise_conv_2d(Lower& l) {
  known(l, {"padding", "stride_w", "stride_h", "depth_multiplier", "fused_activation_function", "dilation_w_factor", "dilation_h_factor"});
  return lower_conv(l, kDepthwise);
}
TENON_TFLITE_QUANTIZED("CONV_2D", lower_conv_2d);
TENON_TFLITE_QUANTIZED("DEPTHWISE_CONV_2D", lower_depthwise_conv_2d);

/// Cut of one axis of a transposed convolution to the wanted output size.
struct Cut {
  int64_t begin = 0, end = 0, more = 0;
  Cut(const Spatial& s, int64_t out, bool same) {
    const int64_t windows = (out + s.stride - 1) / s.stride, full = (s.in - 1) * s.stride + s.kernel;
    if (same) begin = std::max<int64_t>(0, (windows - 1) * s.stride + s.kernel - out) / 2;
    const int64_t rest = full - begin - out;
    (rest < 0 ? more : end) = std::abs(rest);
  }
};

/// Inputs: output shape, weights [O, H, W, I], data, bias.
bool lower_transpose_conv(Lower& l) {
  const Product p{input_affine(l, 2), input_affine(l, 1), output_affine(l)};
  if (!p.integer()) return false;
  known(l, {"padding", "stride_w", "stride_h", "fused_activation_function", "quantized_bias_type"});
  check_weights(p, 0);
  const auto shape = need_ints(l, 0, "the output shape");
  const std::string padding = l.s("padding", "SAME");
  if (shape.size() != 4) throw invalid("the output shape of TRANSPOSE_CONV has a wrong length").with("expected", "4").with("found", std::to_string(shape.size()));
  if (padding != "SAME" && padding != "VALID") throw unsupported("this padding is not known").with("expected", "SAME or VALID").with("found", padding);
  auto cut = [&](int32_t k, const char* stride) {
    const int64_t s = l.i(stride, 1);
    if (s < 1) throw invalid("a stride is too small").with("expected", "1 or more").with("found", std::to_string(s));
    return Cut({known_dim(l, l.in(2), k), known_dim(l, l.in(1), k), s, 1}, shape[static_cast<size_t>(k)], padding == "SAME");
  };
  const Cut rows = cut(1, "stride_h"), columns = cut(2, "stride_w");
  Build b(l);
  AttrList a;
  auto list = [](std::vector<int64_t> v) { return v; };
  a.add("strides", list({l.i("stride_h", 1), l.i("stride_w", 1)})).add("pads", list({rows.begin, columns.begin, rows.end, columns.end})).add("output_padding", list({rows.more, columns.more}));
  const tenon_dtype sum_type = p.x.type.bits > 8 ? dt::i64 : dt::i32;
  const tenon_value w = b.transpose(b.cast(b.centred(whole_bytes(b, l.in(1)), p.w.per_axis() ? 0 : p.w.one_zero()), sum_type), {3, 0, 1, 2});
  const tenon_value x = to_channels_first(b, b.cast(b.centred(l.in(2), p.x.one_zero()), sum_type));
  const tenon_value sums = b.emit("ConvTranspose", {x, w}, a);
  const ProductEnd end{1, 4, activation(l), "double_up", p.x.type == dt::u8};
  finish(l, {to_channels_last(b, finish_product(b, sums, l.has_in(3) ? l.in(3) : 0, p, end))});
  return true;
}
TENON_TFLITE_QUANTIZED("TRANSPOSE_CONV", lower_transpose_conv);

}  // namespace
}  // namespace tenon::tflite::quantized
