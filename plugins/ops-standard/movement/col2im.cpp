// SPDX-License-Identifier: Apache-2.0
// [N, C * block size, positions] back to [N, C, image...]: overlapping elements are added, those in the padding dropped.
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"
#include "common/patches.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  const Tensor x = node.in(0);
  expect_rank(x, 3, "input");
  const auto image = dim_values(node, 1), block = dim_values(node, 2);
  const auto rank = known_length(node.in(1));
  if (!image && !rank) return node.set_out_unranked(0, x.type());
  Dims dims{x.has_rank() ? x.dim(0) : kUnknown, kUnknown};
  const int64_t size = block ? dim_product(node, *block) : kUnknown;
  if (x.has_rank() && size != kUnknown) {
    if (size == 0 || (x.dim(1) >= 0 && size > 0 && x.dim(1) % size))
      fail("the channels do not divide into blocks", "a multiple of " + std::to_string(size), shape_text(x));
    dims[1] = dim_floordiv(node, x.dim(1), size);
  }
  const Dims spatial = image ? *image : Dims(static_cast<size_t>(*rank), kUnknown);
  dims.insert(dims.end(), spatial.begin(), spatial.end());
  node.set_out(0, x.type(), dims);
}
template <class T>
void col2im(const Node& node, const Windows& w, const Dims& image, const Dims& positions) {
  using A = accumulate_t<T>;
  const Tensor x = node.in(0), y = node.out(0);
  const int64_t channels = y.dim(0) * y.dim(1);
  if (channels == 0) return;
  const int64_t in_size = x.count() / channels, out_size = y.count() / channels;
  std::vector<A> sum(static_cast<size_t>(out_size));
  for (int64_t c = 0; c < channels; ++c) {
    std::fill(sum.begin(), sum.end(), A(0));
    const T* from = x.data<T>() + c * in_size;
    for_patches(w, image, positions, [&](int64_t at, int64_t column) {
      sum[static_cast<size_t>(at)] = wrap_add(sum[static_cast<size_t>(at)], static_cast<A>(compute_t<T>(from[column])));
    });
    for (int64_t i = 0; i < out_size; ++i) y.mutable_data<T>()[c * out_size + i] = T(sum[static_cast<size_t>(i)]);
  }
}
void run(const Node& node) {
  const Dims image = node.in(1).ints(), block = node.in(2).ints();
  const Windows w(node, block, image.size());
  Dims positions;
  for (size_t i = 0; i < image.size(); ++i) positions.push_back(w.positions(node, i, image[i]));
  const int64_t n = count_of(positions.data(), static_cast<int32_t>(positions.size()));
  if (n != node.in(0).dim(2)) fail("the number of positions differs", std::to_string(n), shape_text(node.in(0)));
  visit<NumericTypes>(node.in(0).type(), [&]<class T>(Tag<T>) { col2im<T>(node, w, image, positions); });
}
}  // namespace
TENON_OPERATOR("tenon", "Col2Im", 1, 0,
               "(input: T(num), image_shape: i64, block_shape: i64) -> (output: T) {strides?: ints, pads?: ints, dilations?: ints}", infer, run);
}  // namespace tenon::ops
