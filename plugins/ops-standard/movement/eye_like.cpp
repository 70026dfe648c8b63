// SPDX-License-Identifier: Apache-2.0
// A matrix of the input's shape with ones on diagonal k (above the main one when positive), zeros elsewhere.
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  const Tensor x = node.in(0);
  const std::string name = node.s("dtype");
  const tenon_dtype type = name.empty() ? x.type() : dtype_from_name(name);
  expect_rank(x, 2, "input");
  if (x.has_rank()) node.set_out(0, type, x.dims());
  else node.set_out(0, type, Dims(2, kUnknown));
}
void run(const Node& node) {
  const Tensor y = node.out(0);
  const int64_t k = node.i("k"), rows = y.dim(0), columns = y.dim(1);
  visit<NumericAndBoolTypes>(y.type(), [&]<class T>(Tag<T>) {
    T* to = y.mutable_data<T>();
    std::fill_n(to, y.count(), T(0));
    if (k <= -rows || k >= columns) return;
    for (int64_t r = std::max<int64_t>(0, -k); r < rows && r + k < columns; ++r) to[r * columns + r + k] = T(1);
  });
}
}  // namespace
TENON_OPERATOR("tenon", "EyeLike", 1, 0, "(input: any) -> (output: any) {dtype?: string, k?: int}", infer, run);
}  // namespace tenon::ops
