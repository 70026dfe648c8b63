// SPDX-License-Identifier: Apache-2.0
// x to the power of an exponent of any numeric type; the result has the type of x. Integers with an integer exponent are exact
// (modulo their width); everything else is computed in double.
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
/// The exponent's elements as E: int64 or double.
template <class E>
std::vector<E> exponents(Tensor t) {
  std::vector<E> r(static_cast<size_t>(t.count()));
  visit<NumericTypes>(t.type(), [&]<class T>(Tag<T>) {
    for (size_t i = 0; i < r.size(); ++i) r[i] = static_cast<E>(compute_t<T>(t.data<T>()[i]));
  });
  return r;
}
template <class T, class E>
T power(T x, E e) {
  if constexpr (std::is_integral_v<E>) return integer_power(static_cast<T>(x), static_cast<int64_t>(e));
  else return convert<T>(std::pow(static_cast<double>(x), e));
}
template <class T>
void square(const Node& node) {
  const T* x = node.in(0).data<T>();
  T* y = node.out(0).mutable_data<T>();
  parallel_range(node, node.out(0).count(), [=](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) y[i] = T(compute_t<T>(x[i]) * compute_t<T>(x[i]));
  });
}
template <class T, class E>
void power_kernel(const Node& node) {
  const std::vector<E> e = exponents<E>(node.in(1));
  if constexpr (is_real<T>)
    if (e.size() == 1 && e[0] == E(2) && node.in(0).count() == node.out(0).count()) return square<T>(node);
  const auto loop = broadcast_loop<3>(node.out(0).dims(), {node.in(0).dims(), node.in(1).dims()});
  const T* x = node.in(0).data<T>();
  T* y = node.out(0).mutable_data<T>();
  const int64_t sx = loop.inner_stride(1), se = loop.inner_stride(2);
  parallel_rows(node, loop, [&](const auto& at) {
    for (int64_t i = 0; i < loop.inner(); ++i) y[at[0] + i] = power<T, E>(x[at[1] + i * sx], e[static_cast<size_t>(at[2] + i * se)]);
  });
}
void run(const Node& node) {
  const bool exact = is_int(node.in(0).type()) && is_int(node.in(1).type());
  if (exact) visit<IntTypes>(node.in(0).type(), [&]<class T>(Tag<T>) { power_kernel<T, int64_t>(node); });
  else visit<NumericTypes>(node.in(0).type(), [&]<class T>(Tag<T>) { power_kernel<T, double>(node); });
}
void infer(const Node& node) { infer_broadcast(node, node.in(0).type()); }
}  // namespace
TENON_OPERATOR("tenon", "Pow", 1, TENON_OF_IN_PLACE, "(X: T(num), Y: num) -> (Z: T)", infer, run);
}  // namespace tenon::ops
