// SPDX-License-Identifier: Apache-2.0
// ConvInteger: the convolution of X - x_zero_point by W - w_zero_point, summed exactly in i32 (i64 for 16-bit X); wraps. Padding
// counts as x_zero_point. x_zero_point is one number, w_zero_point one number or one for each output channel.
#include "linear/convolution.hpp"
#include "quant/centred.hpp"

namespace tenon::ops {
namespace {

void check_zero_points(const Node& node, int64_t filters) {
  if (node.has_in(2) && node.in(2).is_static() && node.in(2).count() != 1)
    fail("the data's zero point is not one number", "1 element", shape_text(node.in(2)));
  if (!node.has_in(3) || !node.in(3).is_static() || node.in(3).count() == 1) return;
  expect_rank(node.in(3), 1, "the weights' zero point");
  same_dim(filters, node.in(3).dim(0), "output channels and length of the weights' zero point");
}

void infer(const Node& node) {
  const Tensor x = node.in(0), w = node.in(1);
  const tenon_dtype type = accumulator_type(x.type(), w.type());
  expect_rank_at_least(x, 3, "the input");
  expect_rank_at_least(w, 3, "the weights");
  if (!x.has_rank() && !w.has_rank()) return node.set_out_unranked(0, type);
  const int32_t rank = x.has_rank() ? x.rank() : w.rank();
  expect_rank(w, rank, "the weights");
  const int64_t group = node.i("group", 1);
  if (group < 1) fail("group is too small", "at least 1", std::to_string(group));
  const int64_t channels = x.has_rank() ? x.dim(1) : kUnknown, filters = w.has_rank() ? w.dim(0) : kUnknown;
  if (w.has_rank() && w.dim(1) >= 0) same_dim(w.dim(1) * group, channels, "input channels of the weights (times group) and of the input");
  if (filters >= 0 && filters % group != 0) fail("output channels are no multiple of group", "a multiple of " + std::to_string(group), std::to_string(filters));
  check_zero_points(node, filters);
  const size_t spatial = static_cast<size_t>(rank) - 2;
  const Window window = make_window(node, x.has_rank() ? spatial_dims(x) : Dims(spatial, kUnknown), conv_kernel_dims(node, spatial));
  Dims y = {x.has_rank() ? x.dim(0) : kUnknown, filters};
  for (int64_t d : window.out_dims()) y.push_back(d);
  node.set_out(0, type, y);
}

template <class W>
void convolve(const Node& node, const ConvShape& s) {
  Dims per_filter(static_cast<size_t>(node.in(1).rank()), 1);
  if (node.has_in(3)) per_filter[0] = node.in(3).count();
  const std::vector<W> x = centred<W>(node.in(0), node.in(2), Dims(static_cast<size_t>(node.in(0).rank()), 1));
  const std::vector<W> w = centred<W>(node.in(1), node.in(3), per_filter);
  const Operand<W> none;
  const ConvEnd<W> end{none, none, Activation(node), node.out(0).mutable_data<void>(), node.out(0).type()};
  const int64_t taps = s.kernel_size();
  auto weight = [&](int64_t g, int64_t o, int64_t c, int64_t k) {
    return w[static_cast<size_t>(((g * s.out_channels + o) * s.in_channels + c) * taps + k)];
  };
  if (s.out_channels < 4) convolve_by_planes<W>(node, s, x.data(), weight, end);
  else convolve_by_gemm<W>(node, s, x.data(), weight, end);
}

void run(const Node& node) {
  const ConvShape s = make_conv_shape(node, make_window(node, spatial_dims(node.in(0)), spatial_dims(node.in(1))), false);
  if (s.batch * s.groups * s.out_channels * s.out_size() == 0) return;
  visit_work(node.out(0).type(), [&]<class W>(Tag<W>) {
    if constexpr (std::is_integral_v<W>) convolve<W>(node, s);
  });
}

}  // namespace

TENON_OPERATOR("tenon", "ConvInteger", 1, 0,
               "(X: T(i8|u8|i16), W: U(i8|u8), x_zero_point?: T, w_zero_point?: U) -> (Y: i32|i64) {pads?: ints, strides?: ints, "
               "dilations?: ints, group?: int, kernel_shape?: ints, auto_pad?: string}",
               infer, run);
}  // namespace tenon::ops
