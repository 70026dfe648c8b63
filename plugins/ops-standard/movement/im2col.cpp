// SPDX-License-Identifier: Apache-2.0
// [N, C, image...] to [N, C * kernel size, positions...]: each window's elements as channels; padding is zero.
#include "common/patches.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  const Tensor x = node.in(0);
  const Dims kernel = node.ints("kernel_shape");
  const auto spatial = kernel.size();
  expect_rank(x, static_cast<int32_t>(spatial + 2), "input");
  const Windows w(node, kernel, spatial);
  if (!x.has_rank()) return node.set_out(0, x.type(), Dims(spatial + 2, kUnknown));
  Dims dims{x.dim(0), dim_mul(node, x.dim(1), dim_product(node, kernel))};
  for (size_t i = 0; i < spatial; ++i) dims.push_back(w.positions(node, i, x.dim(static_cast<int32_t>(i + 2))));
  node.set_out(0, x.type(), dims);
}
void run(const Node& node) {
  const Tensor x = node.in(0), y = node.out(0);
  const Dims kernel = node.ints("kernel_shape");
  const Windows w(node, kernel, kernel.size());
  const Dims image(x.dims().begin() + 2, x.dims().end()), positions(y.dims().begin() + 2, y.dims().end());
  const int64_t channels = x.dim(0) * x.dim(1);
  if (channels == 0) return;
  const int64_t in_size = x.count() / channels, out_size = y.count() / channels;
  const RawInput in(x);
  const RawOutput out(node, 0);
  visit_unit(x.type(), [&](auto unit) {
    using U = decltype(unit);
    std::fill_n(out.data<U>(), y.count(), U{});
    for (int64_t c = 0; c < channels; ++c) {
      const U* from = in.data<U>() + c * in_size;
      U* to = out.data<U>() + c * out_size;
      for_patches(w, image, positions, [&](int64_t at, int64_t column) { to[column] = from[at]; });
    }
  });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "Im2Col", 1, 0, "(X: T(num)) -> (Y: T) {kernel_shape: ints, strides?: ints, pads?: ints, dilations?: ints}", infer, run);
}  // namespace tenon::ops
