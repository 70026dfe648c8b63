// SPDX-License-Identifier: Apache-2.0
// elementwise.hpp - kernels and inference of unary, binary and ternary elementwise operators. An operator is a function object
//
//   struct LeakyRelu {
//     double alpha;
//     explicit LeakyRelu(const Node& n) : alpha(n.f("alpha", 0.01)) {}        // left out where there are no attributes
//     template <class T> T operator()(T x) const { return x < 0 ? T(alpha) * x : x; }
//   };
//   TENON_OPERATOR("tenon", "LeakyRelu", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T) {alpha?: float}", infer_same,
//                  (run_unary<LeakyRelu, FloatTypes>));
//
// It sees compute_t<T>: float for f16 and bf16, the element itself otherwise. One that returns bool makes a bool tensor.
#pragma once
#include "common/broadcast.hpp"
#include "common/dispatch.hpp"
#include "common/infer.hpp"

namespace tenon::ops {

template <class Op>
Op make_op(const Node& node) {
  if constexpr (std::is_constructible_v<Op, const Node&>) return Op(node);
  else return Op{};
}
/// Element type of the result of Op on elements T.
template <class T, class R> using result_t = std::conditional_t<std::is_same_v<R, bool>, bool, T>;

/// body(begin, end) over [0, n) on the executor's threads when it is worth it. body must not throw.
template <class F>
void parallel_range(const Node& node, int64_t n, F&& body) {
  if (n <= kGrain) body(0, n);
  else node.parallel_for(n, kGrain, body);
}

template <class Op, class T>
void unary_kernel(const Node& node) {
  using C = compute_t<T>;
  const Op op = make_op<Op>(node);
  using R = result_t<T, decltype(op(C{}))>;
  const T* x = node.in(0).data<T>();
  R* y = node.out(0).mutable_data<R>();
  parallel_range(node, node.out(0).count(), [=](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) y[i] = R(op(C(x[i])));
  });
}
template <class Op, class List>
void run_unary(const Node& node) {
  visit<List>(node.in(0).type(), [&]<class T>(Tag<T>) { unary_kernel<Op, T>(node); });
}

/// n results from two strided operands; the three shapes that occur are separate loops so that they are vectorized.
template <class T, class R, class Op>
void binary_row(const Op& op, R* y, const T* a, int64_t sa, const T* b, int64_t sb, int64_t n) {
  using C = compute_t<T>;
  if (sa == 1 && sb == 1) {
    for (int64_t i = 0; i < n; ++i) y[i] = R(op(C(a[i]), C(b[i])));
  } else if (sa == 1 && sb == 0) {
    const C s = C(*b);
    for (int64_t i = 0; i < n; ++i) y[i] = R(op(C(a[i]), s));
  } else if (sa == 0 && sb == 1) {
    const C s = C(*a);
    for (int64_t i = 0; i < n; ++i) y[i] = R(op(s, C(b[i])));
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = R(op(C(a[i * sa]), C(b[i * sb])));
  }
}
/// Two inputs of type T, broadcast to output 0.
template <class Op, class T>
void binary_kernel(const Node& node) {
  using C = compute_t<T>;
  const Op op = make_op<Op>(node);
  using R = result_t<T, decltype(op(C{}, C{}))>;
  const auto loop = broadcast_loop<3>(node.out(0).dims(), {node.in(0).dims(), node.in(1).dims()});
  const T *a = node.in(0).data<T>(), *b = node.in(1).data<T>();
  R* y = node.out(0).mutable_data<R>();
  const int64_t sa = loop.inner_stride(1), sb = loop.inner_stride(2);
  if (loop.extent.size() == 1)
    return parallel_range(node, loop.inner(), [=](int64_t i, int64_t e) { binary_row(op, y + i, a + i * sa, sa, b + i * sb, sb, e - i); });
  parallel_rows(node, loop, [&](const auto& at) { binary_row(op, y + at[0], a + at[1], sa, b + at[2], sb, loop.inner()); });
}
template <class Op, class List>
void run_binary(const Node& node) {
  expect_same_type(node, 0, 1);
  visit<List>(node.in(0).type(), [&]<class T>(Tag<T>) { binary_kernel<Op, T>(node); });
}

/// Folds one pair of shape elements; kUnknown where nothing can be said.
using FoldFn = int64_t (*)(const Node&, DimValue, DimValue);
/// Sets the shape value of output 0 when both inputs are small, at most 1-D and known.
inline void fold_binary(const Node& node, FoldFn fold) {
  if (!node.in(0).has_rank() || !node.in(1).has_rank() || node.in(0).rank() > 1 || node.in(1).rank() > 1) return;
  if (is_float(node.in(0).type())) return;
  const auto a = literal_dim_values(node, 0), b = literal_dim_values(node, 1);
  if (!a || !b || (a->size() != b->size() && a->size() != 1 && b->size() != 1)) return;
  const size_t n = a->empty() || b->empty() ? 0 : std::max(a->size(), b->size());
  Dims r;
  for (size_t i = 0; i < n; ++i) r.push_back(fold(node, (*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]));
  node.set_out_shape_value(0, r);
}
inline void infer_broadcast(const Node& node, tenon_dtype type) {
  if (node.in(0).has_rank() && node.in(1).has_rank()) node.set_out(0, type, broadcast_dims(node, node.in(0).dims(), node.in(1).dims()));
  else node.set_out_unranked(0, type);
}
/// Two inputs of one type; the output has it too.
template <FoldFn Fold = nullptr>
void infer_binary(const Node& node) {
  expect_same_type(node, 0, 1);
  infer_broadcast(node, node.in(0).type() == dt::none ? node.in(1).type() : node.in(0).type());
  if constexpr (Fold != nullptr) fold_binary(node, Fold);
}
/// Two inputs of one type; the output is bool.
template <FoldFn Fold = nullptr>
void infer_compare(const Node& node) {
  expect_same_type(node, 0, 1);
  infer_broadcast(node, dt::boolean);
  if constexpr (Fold != nullptr) fold_binary(node, Fold);
}
/// Output 0 is bool and has the shape of input 0.
inline void infer_same_bool(const Node& node) {
  if (node.in(0).has_rank()) node.set_out(0, dt::boolean, node.in(0).dims());
  else node.set_out_unranked(0, dt::boolean);
}

}  // namespace tenon::ops
