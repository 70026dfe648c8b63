// SPDX-License-Identifier: Apache-2.0
// condition ? X : Y, all three broadcast.
#include "common/elementwise.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
using Values = std::vector<DimValue>;
int64_t choose(DimValue condition, DimValue x, DimValue y) {
  if (condition.number) return condition.v ? std::max(x.v, x.number ? kUnknown : x.v) : std::max(y.v, y.number ? kUnknown : y.v);
  return x.v == y.v && x.number == y.number ? std::max(x.v, x.number ? kUnknown : x.v) : kUnknown;
}
void fold(const Node& node) {
  for (uint32_t k = 0; k < 3; ++k)
    if (!node.in(k).has_rank() || node.in(k).rank() > 1) return;
  const auto c = literal_dim_values(node, 0), x = literal_dim_values(node, 1), y = literal_dim_values(node, 2);
  if (!c || !x || !y) return;
  const size_t n = std::max({c->size(), x->size(), y->size()});
  auto at = [](const Values& v, size_t i) { return v[v.size() == 1 ? 0 : i]; };
  for (const Values* v : {&*c, &*x, &*y})
    if (v->size() != n && v->size() != 1) return;
  Dims r;
  for (size_t i = 0; i < n; ++i) r.push_back(choose(at(*c, i), at(*x, i), at(*y, i)));
  node.set_out_shape_value(0, r);
}
void infer(const Node& node) {
  expect_type(node, 0, dt::boolean);
  expect_same_type(node, 1, 2);
  const tenon_dtype type = node.in(1).type() == dt::none ? node.in(2).type() : node.in(1).type();
  if (!node.in(0).has_rank() || !node.in(1).has_rank() || !node.in(2).has_rank()) return node.set_out_unranked(0, type);
  const Dims first = broadcast_dims(node, node.in(1).dims(), node.in(2).dims());
  node.set_out(0, type, broadcast_dims(node, node.in(0).dims(), first));
  fold(node);
}
template <class U>
void select(const Node& node, const RawInput& x, const RawInput& y, const RawOutput& out) {
  const auto loop = broadcast_loop<4>(node.out(0).dims(), {node.in(0).dims(), node.in(1).dims(), node.in(2).dims()});
  const uint8_t* c = node.in(0).data<uint8_t>();
  const int64_t sc = loop.inner_stride(1), sx = loop.inner_stride(2), sy = loop.inner_stride(3);
  parallel_rows(node, loop, [&](const auto& at) {
    U* to = out.data<U>() + at[0];
    const U *from_x = x.data<U>() + at[2], *from_y = y.data<U>() + at[3];
    for (int64_t i = 0; i < loop.inner(); ++i) to[i] = c[at[1] + i * sc] ? from_x[i * sx] : from_y[i * sy];
  });
}
void run(const Node& node) {
  expect_same_type(node, 1, 2);
  const RawInput x(node.in(1)), y(node.in(2));
  const RawOutput out(node, 0);
  visit_unit(node.out(0).type(), [&](auto unit) { select<decltype(unit)>(node, x, y, out); });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "Where", 1, 0, "(condition: bool, X: T(any), Y: T) -> (Z: T)", infer, run);
}  // namespace tenon::ops
