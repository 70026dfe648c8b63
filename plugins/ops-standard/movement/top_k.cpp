// SPDX-License-Identifier: Apache-2.0
// The K largest (largest = 0: smallest) elements along an axis and their positions, best first; of equal ones the first.
#include <numeric>

#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  const Tensor x = node.in(0);
  if (!x.has_rank()) {
    node.set_out_unranked(0, x.type());
    return node.set_out_unranked(1, dt::i64);
  }
  const auto axis = static_cast<size_t>(normalize_axis(node.i("axis", -1), x.rank()));
  Dims dims = x.dims().vec();
  const auto k = known_int(node, 1);
  const auto v = dim_values(node, 1);
  if (k && (*k < 0 || (dims[axis] >= 0 && *k > dims[axis]))) fail("K is out of range", "at most " + std::to_string(dims[axis]), std::to_string(*k));
  dims[axis] = k ? *k : v && v->size() == 1 ? v->front() : kUnknown;
  node.set_out(0, x.type(), dims);
  node.set_out(1, dt::i64, dims);
}
/// Does a come before b? NaN counts as larger than every number.
template <class C>
bool before(C a, C b, bool largest) {
  if constexpr (std::is_floating_point_v<C>)
    if (a != a || b != b) return largest ? a != a && b == b : a == a && b != b;
  return largest ? a > b : a < b;
}
template <class T>
void top_k(const Node& node) {
  using C = compute_t<T>;
  const Tensor x = node.in(0);
  const auto axis = static_cast<int32_t>(normalize_axis(node.i("axis", -1), x.rank()));
  const int64_t n = x.dim(axis), k = node.in(1).ints()[0], inner = count_of(x.dims().data() + axis + 1, x.rank() - axis - 1);
  const int64_t rows = count_of(x.dims().data(), axis) * inner;
  const bool largest = node.i("largest", 1) != 0;
  const T* from = x.data<T>();
  T* values = node.has_out(0) ? node.out(0).mutable_data<T>() : nullptr;
  int64_t* indices = node.has_out(1) ? node.out(1).mutable_data<int64_t>() : nullptr;
  std::vector<int64_t> order(static_cast<size_t>(n));
  for (int64_t r = 0; r < rows && k; ++r) {
    const int64_t in_base = r / inner * n * inner + r % inner, out_base = r / inner * k * inner + r % inner;
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](int64_t a, int64_t b) {
      const C u = C(from[in_base + a * inner]), v = C(from[in_base + b * inner]);
      return before(u, v, largest) || (!before(v, u, largest) && a < b);
    });
    for (int64_t i = 0; i < k; ++i) {
      const int64_t at = order[static_cast<size_t>(i)];
      if (values) values[out_base + i * inner] = from[in_base + at * inner];
      if (indices) indices[out_base + i * inner] = at;
    }
  }
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const int64_t n = x.dim(static_cast<int32_t>(normalize_axis(node.i("axis", -1), x.rank()))), k = *known_int(node, 1);
  if (k < 0 || k > n) fail("K is out of range", "at most " + std::to_string(n), std::to_string(k));
  visit<NumericTypes>(x.type(), [&]<class T>(Tag<T>) { top_k<T>(node); });
}
}  // namespace
TENON_OPERATOR("tenon", "TopK", 1, 0, "(X: T(num), K: i64) -> (Values: T, Indices: i64) {axis?: int, largest?: int, sorted?: int}", infer, run);
}  // namespace tenon::ops
