// SPDX-License-Identifier: Apache-2.0
// How many of the ascending boundaries are not above the element: bucket 0 lies below the first boundary.
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
std::vector<double> boundaries(const Node& node) {
  std::vector<double> b = node.floats("boundaries");
  if (!std::is_sorted(b.begin(), b.end())) throw invalid("attribute 'boundaries' is not in ascending order");
  return b;
}
void infer(const Node& node) {
  boundaries(node);
  if (node.in(0).has_rank()) node.set_out(0, dt::i32, node.in(0).dims());
  else node.set_out_unranked(0, dt::i32);
}
void run(const Node& node) {
  const std::vector<double> b = boundaries(node);
  int32_t* y = node.out(0).mutable_data<int32_t>();
  visit<NumericTypes>(node.in(0).type(), [&]<class T>(Tag<T>) {
    const T* x = node.in(0).data<T>();
    for (int64_t i = 0; i < node.out(0).count(); ++i)
      y[i] = static_cast<int32_t>(std::upper_bound(b.begin(), b.end(), static_cast<double>(compute_t<T>(x[i]))) - b.begin());
  });
}
}  // namespace
TENON_OPERATOR("tenon", "Bucketize", 1, 0, "(X: num) -> (Y: i32) {boundaries: floats}", infer, run);
}  // namespace tenon::ops
