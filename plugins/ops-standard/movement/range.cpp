// SPDX-License-Identifier: Apache-2.0
// start, start + delta, ... before limit.
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
template <class T>
int64_t range_count(const Node& node) {
  const T start = *node.in(0).data<T>(), limit = *node.in(1).data<T>(), delta = *node.in(2).data<T>();
  if (delta == T(0)) fail("delta is 0", "any other number", "0");
  double n = 0;
  if constexpr (is_real<T>) {
    n = std::ceil((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(delta));
  } else {
    if ((delta > 0) != (limit > start)) return 0;
    const uint64_t distance = delta > 0 ? static_cast<uint64_t>(limit) - static_cast<uint64_t>(start) : static_cast<uint64_t>(start) - static_cast<uint64_t>(limit);
    const uint64_t step = delta > 0 ? static_cast<uint64_t>(delta) : 0 - static_cast<uint64_t>(delta);
    return distance == 0 ? 0 : static_cast<int64_t>((distance - 1) / step + 1);
  }
  if (!(n > 0)) return 0;
  if (n >= 0x1p62) fail("the range has no end", "a finite number of elements", "start, limit and delta far apart");
  return static_cast<int64_t>(n);
}
/// Symbolic size for start 0 or any, and delta 1.
int64_t symbolic_count(const Node& node) {
  const auto start = literal_dim_values(node, 0), limit = literal_dim_values(node, 1), delta = literal_dim_values(node, 2);
  if (!start || !limit || !delta || start->size() != 1 || limit->size() != 1 || delta->size() != 1) return kUnknown;
  if (!delta->front().number || delta->front().v < 1 || (start->front().number && start->front().v < 0)) return kUnknown;
  if (limit->front().unknown() || start->front().unknown() || (limit->front().number && limit->front().v < 0)) return kUnknown;
  const int64_t distance = dim_sub(node, limit->front().v, start->front().v);
  return delta->front().v == 1 || distance == kUnknown ? distance : node.ceildiv(distance, delta->front().v);
}
void fold(const Node& node, int64_t n) {
  const auto start = known_int(node, 0), delta = known_int(node, 2);
  if (!start || !delta || n < 0 || n > 64) return;
  Dims v;
  for (int64_t i = 0; i < n; ++i) v.push_back(dim_number(wrap_add(*start, wrap_mul(i, *delta))));
  node.set_out_shape_value(0, v);
}
void infer(const Node& node) {
  expect_same_type(node, 0, 1);
  expect_same_type(node, 0, 2);
  const tenon_dtype type = node.in(0).type();
  for (uint32_t k = 0; k < 3; ++k)
    if (node.in(k).is_static() && node.in(k).count() != 1) fail("start, limit and delta must be single numbers", "1 element", shape_text(node.in(k)));
  int64_t n = kUnknown;
  if (node.in(0).has_data() && node.in(1).has_data() && node.in(2).has_data())
    visit<NumericTypes>(type, [&]<class T>(Tag<T>) { n = range_count<T>(node); });
  else if (is_int(type)) n = symbolic_count(node);
  node.set_out(0, type, Dims{n});
  if (is_int(type)) fold(node, n);
}
template <class T>
void fill(const Node& node) {
  using C = std::conditional_t<is_real<T>, double, T>;
  const C start = C(*node.in(0).data<T>()), delta = C(*node.in(2).data<T>());
  T* y = node.out(0).mutable_data<T>();
  for (int64_t i = 0; i < node.out(0).count(); ++i) y[i] = T(wrap_add(start, wrap_mul(C(i), delta)));
}
void run(const Node& node) {
  visit<NumericTypes>(node.in(0).type(), [&]<class T>(Tag<T>) { fill<T>(node); });
}
}  // namespace
TENON_OPERATOR("tenon", "Range", 1, 0, "(start: T(num), limit: T, delta: T) -> (output: T)", infer, run);
}  // namespace tenon::ops
