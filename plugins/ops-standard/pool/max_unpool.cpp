// SPDX-License-Identifier: Apache-2.0
// MaxUnpool: puts each element where MaxPool took it from; zeros elsewhere. Without output_shape the size is that before MaxPool's
// pads; indices count in a tensor of that size.
#include "common/dispatch.hpp"
#include "common/infer.hpp"
#include "common/window.hpp"

namespace tenon::ops {
namespace {

/// Shape that the indices count in: MaxPool's smallest possible input.
Dims natural_dims(const Node& node) {
  const Tensor x = node.in(0);
  const size_t n = static_cast<size_t>(x.rank()) - 2;
  const auto kernel = per_axis(node, "kernel_shape", n, 1, 1), strides = per_axis(node, "strides", n, 1, 1), pads = per_axis(node, "pads", 2 * n, 0, 0);
  const DimMath math{node};
  Dims d = {x.dim(0), x.dim(1)};
  for (size_t i = 0; i < n; ++i)
    d.push_back(math.offset(math.mul(x.dim(static_cast<int32_t>(i) + 2), strides[i]), kernel[i] - strides[i] - pads[i] - pads[i + n]));
  return d;
}

void infer(const Node& node) {
  const Tensor x = node.in(0);
  expect_rank_at_least(x, 3, "the input");
  if (!x.has_rank()) return node.set_out_unranked(0, x.type());
  if (!node.has_in(2)) return node.set_out(0, x.type(), natural_dims(node));
  auto d = dim_values(node, 2);
  if (!d) d = Dims(static_cast<size_t>(x.rank()), kUnknown);
  if (d->size() != static_cast<size_t>(x.rank())) fail("output_shape has a wrong length", std::to_string(x.rank()), std::to_string(d->size()));
  node.set_out(0, x.type(), *d);
}

void run(const Node& node) {
  const Tensor x = node.in(0);
  const Dims natural = natural_dims(node), out = node.has_in(2) ? node.in(2).ints() : natural;
  const int64_t natural_count = count_of(natural.data(), x.rank()), out_count = count_of(out.data(), x.rank());
  const int64_t* index = node.in(1).data<int64_t>();
  visit<NumericTypes>(x.type(), [&]<class T>(Tag<T>) {
    T* y = node.out(0).has_data() ? node.out(0).mutable_data<T>() : node.alloc_out<T>(0, x.type(), out);
    std::fill_n(y, out_count, T(compute_t<T>(0)));
    for (int64_t i = 0; i < x.count(); ++i) {
      // With output_shape an index still counts in the natural shape: its coordinates are kept.
      int64_t rest = index[i], at = 0, step = 1;
      if (rest < 0 || rest >= natural_count) fail("an index is out of range", "0 to " + std::to_string(natural_count - 1), std::to_string(rest));
      for (size_t d = out.size(); d-- > 0; rest /= natural[d], step *= out[d]) {
        const int64_t c = rest % natural[d];
        if (c >= out[d]) fail("an index lies outside output_shape", "below " + std::to_string(out[d]), std::to_string(c));
        at += c * step;
      }
      y[at] = x.data<T>()[i];
    }
  });
}

}  // namespace

TENON_OPERATOR("tenon", "MaxUnpool", 1, 0,
               "(X: T(num), I: i64, output_shape?: i64) -> (Y: T) {kernel_shape: ints, strides?: ints, pads?: ints}", infer, run);
}  // namespace tenon::ops
