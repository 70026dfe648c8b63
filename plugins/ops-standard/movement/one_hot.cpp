// SPDX-License-Identifier: Apache-2.0
// values = [off, on]: a new axis of `depth` positions that is on where the index points (negative ones from the end) and off
// elsewhere; an index outside is off everywhere.
#include "common/elementwise.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
/// depth and indices may be of any numeric type; fractions are cut off.
Dims whole_numbers(Tensor t) {
  Dims r(static_cast<size_t>(t.count()));
  visit<NumericTypes>(t.type(), [&]<class T>(Tag<T>) {
    for (size_t i = 0; i < r.size(); ++i) r[i] = convert<int64_t>(t.data<T>()[i]);
  });
  return r;
}
int64_t depth_of(Tensor depth) {
  if (depth.count() != 1) fail("depth must be one number", "1 element", shape_text(depth));
  const int64_t n = whole_numbers(depth)[0];
  if (n < 0) fail("depth is negative", "0 or more", std::to_string(n));
  return n;
}
void infer(const Node& node) {
  const Tensor at = node.in(0), depth = node.in(1), values = node.in(2);
  expect_rank(values, 1, "values");
  if (values.has_rank()) same_dim(2, values.dim(0), "the wanted and the given number of values");
  if (!at.has_rank()) return node.set_out_unranked(0, values.type());
  const int64_t axis = normalize_axis(node.i("axis", -1), at.rank() + 1);
  int64_t n = kUnknown;
  if (depth.has_data()) n = depth_of(depth);
  else if (const auto v = dim_values(node, 1); v && v->size() == 1) n = v->front();
  Dims dims = at.dims().vec();
  dims.insert(dims.begin() + axis, n);
  node.set_out(0, values.type(), dims);
}
void run(const Node& node) {
  const Tensor at = node.in(0), y = node.out(0);
  const auto axis = static_cast<int32_t>(normalize_axis(node.i("axis", -1), y.rank()));
  const int64_t depth = y.dim(axis), inner = count_of(y.dims().data() + axis + 1, y.rank() - axis - 1);
  const Dims index = whole_numbers(at);
  const RawInput values(node.in(2));
  const RawOutput out(node, 0);
  visit_unit(y.type(), [&](auto unit) {
    using U = decltype(unit);
    const U off = values.data<U>()[0], on = values.data<U>()[1];
    std::fill_n(out.data<U>(), y.count(), off);
    for (int64_t i = 0; i < at.count(); ++i) {
      const int64_t k = index[static_cast<size_t>(i)];
      if (k >= -depth && k < depth) out.data<U>()[(i / inner * depth + (k < 0 ? k + depth : k)) * inner + i % inner] = on;
    }
  });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "OneHot", 1, 0, "(indices: num, depth: num, values: T(any)) -> (output: T) {axis?: int}", infer, run);
}  // namespace tenon::ops
