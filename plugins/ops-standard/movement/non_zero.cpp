// SPDX-License-Identifier: Apache-2.0
// Positions of the elements that are not zero, in row-major order: one column each, one row for each dimension.
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  const Tensor x = node.in(0);
  // A scalar counts as one element of rank 1, as in numpy.
  const int64_t rank = x.has_rank() ? std::max<int32_t>(x.rank(), 1) : kUnknown;
  node.set_out(0, dt::i64, Dims{rank, node.fresh_symbol()});
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  Dims found;
  visit<NumericAndBoolTypes>(x.type(), [&]<class T>(Tag<T>) {
    for (int64_t i = 0; i < x.count(); ++i)
      if (compute_t<T>(x.data<T>()[i]) != compute_t<T>(0)) found.push_back(i);
  });
  const auto n = static_cast<int64_t>(found.size());
  const int32_t rank = std::max(x.rank(), 1);
  int64_t* y = node.alloc_out<int64_t>(0, dt::i64, Dims{rank, n});
  const Dims dims = x.rank() ? x.dims().vec() : Dims{1}, strides = strides_of(dims);
  for (size_t d = 0; d < dims.size(); ++d)
    for (int64_t at : found) *y++ = at / strides[d] % dims[d];
}
}  // namespace
TENON_OPERATOR("tenon", "NonZero", 1, 0, "(X: num|bool) -> (Y: i64)", infer, run);
}  // namespace tenon::ops
