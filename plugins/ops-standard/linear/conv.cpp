// SPDX-License-Identifier: Apache-2.0
// Conv: convolution over 1 to 3 spatial axes, with an optional bias, residual and activation (in this order).
#include "linear/convolution.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  const Tensor x = node.in(0), w = node.in(1);
  expect_rank_at_least(x, 3, "the input");
  expect_rank_at_least(w, 3, "the weights");
  if (!x.has_rank() && !w.has_rank()) return node.set_out_unranked(0, x.type());
  const int32_t rank = x.has_rank() ? x.rank() : w.rank();
  expect_rank(w, rank, "the weights");
  const int64_t group = node.i("group", 1);
  if (group < 1) fail("group is too small", "at least 1", std::to_string(group));
  const int64_t channels = x.has_rank() ? x.dim(1) : kUnknown, filters = w.has_rank() ? w.dim(0) : kUnknown;
  if (w.has_rank() && w.dim(1) >= 0) same_dim(w.dim(1) * group, channels, "input channels of the weights (times group) and of the input");
  if (filters >= 0 && filters % group != 0) fail("output channels are no multiple of group", "a multiple of " + std::to_string(group), std::to_string(filters));
  const size_t spatial = static_cast<size_t>(rank) - 2;
  const Window window = make_window(node, x.has_rank() ? spatial_dims(x) : Dims(spatial, kUnknown), conv_kernel_dims(node, spatial));
  Dims y = {x.has_rank() ? x.dim(0) : kUnknown, filters};
  for (int64_t d : window.out_dims()) y.push_back(d);
  check_conv_extras(node, y);
  node.set_out(0, x.type(), y);
}

void run(const Node& node) {
  run_convolution(node, make_window(node, spatial_dims(node.in(0)), spatial_dims(node.in(1))), false);
}

}  // namespace

TENON_OPERATOR("tenon", "Conv", 1, 0,
               "(X: T(num), W: T, B?: T, R?: T) -> (Y: T) {pads?: ints, strides?: ints, dilations?: ints, group?: int, kernel_shape?: ints, "
               "auto_pad?: string, activation?: string, activation_params?: floats}",
               infer, run);
}  // namespace tenon::ops
