// SPDX-License-Identifier: Apache-2.0
// Upper (upper = 1) or lower triangle of the last two dimensions, from diagonal k on; the rest is zero.
#include "common/infer.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  expect_rank_at_least(node.in(0), 2, "input");
  node.set_out_like(0, 0);
}
template <class U>
void triangle(const U* from, U* to, int64_t rows, int64_t columns, int64_t k, bool upper) {
  for (int64_t r = 0; r < rows; ++r, from += columns, to += columns) {
    // First column of the upper part; one past the last of the lower.
    const int64_t at = k > columns ? columns : k < -rows ? 0 : std::clamp<int64_t>(r + k + (upper ? 0 : 1), 0, columns);
    const int64_t first = upper ? at : 0, last = upper ? columns : at;
    std::fill(to, to + first, U{});
    std::copy(from + first, from + last, to + first);
    std::fill(to + last, to + columns, U{});
  }
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const auto given = known_int(node, 1);
  const int64_t k = given ? *given : 0, rows = x.dim(-2), columns = x.dim(-1), size = rows * columns;
  const RawInput in(x);
  const RawOutput out(node, 0);
  visit_unit(x.type(), [&](auto unit) {
    using U = decltype(unit);
    for (int64_t at = 0; at < x.count(); at += size) triangle<U>(in.data<U>() + at, out.data<U>() + at, rows, columns, k, node.i("upper", 1) != 0);
  });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "Trilu", 1, 0, "(input: T(num|bool), k?: i64) -> (output: T) {upper?: int}", infer, run);
}  // namespace tenon::ops
