// SPDX-License-Identifier: Apache-2.0
// The input's dimensions [start, end) as a 1-D tensor; negative positions count from the end, all are clamped.
#include "common/infer.hpp"

namespace tenon::ops {
namespace {
Span<int64_t> selected(const Node& node) {
  const Tensor x = node.in(0);
  const int64_t rank = x.rank();
  auto position = [&](int64_t p) { return std::clamp<int64_t>(p < 0 ? p + rank : p, 0, rank); };
  const int64_t start = position(node.i("start")), end = position(node.i("end", rank));
  return {x.dims().data() + start, static_cast<uint64_t>(std::max<int64_t>(0, end - start))};
}
void infer(const Node& node) {
  if (!node.in(0).has_rank()) return node.set_out(0, dt::i64, Dims{kUnknown});
  const Dims dims = selected(node).vec();
  node.set_out(0, dt::i64, Dims{static_cast<int64_t>(dims.size())});
  node.set_out_shape_value(0, dims);
}
void run(const Node& node) {
  const Span<int64_t> dims = selected(node);
  std::copy(dims.begin(), dims.end(), node.out(0).mutable_data<int64_t>());
}
}  // namespace
TENON_OPERATOR("tenon", "Shape", 1, 0, "(data: any) -> (shape: i64) {start?: int, end?: int}", infer, run);
}  // namespace tenon::ops
