// SPDX-License-Identifier: Apache-2.0
// Rows of data reduced by segment: output[s] is the sum (prod, max, min, mean) of the rows whose segment id is s. Without
// num_segments there are as many segments as the largest id says. Rows with a negative id are left out; an empty segment
// gives the reduction of nothing: 0, 1, the lowest, the highest value, 0.
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"
#include "common/indices.hpp"

namespace tenon::ops {
namespace {
int64_t segments_of(Tensor ids) {
  const Dims v = ids.ints();
  return v.empty() ? 0 : std::max<int64_t>(0, *std::max_element(v.begin(), v.end()) + 1);
}
int64_t inferred_segments(const Node& node) {
  if (node.has_in(2)) {
    if (const auto n = known_int(node, 2)) {
      if (*n < 0) fail("num_segments is negative", "0 or more", std::to_string(*n));
      return *n;
    }
    const auto v = dim_values(node, 2);
    return v && v->size() == 1 ? v->front() : kUnknown;
  }
  return node.in(1).has_data() && node.in(1).is_static() ? segments_of(node.in(1)) : node.fresh_symbol();
}
void infer(const Node& node) {
  expect_index_type(node, 1);
  const Tensor x = node.in(0), ids = node.in(1);
  expect_rank(ids, 1, "segment_ids");
  expect_rank_at_least(x, 1, "data");
  if (!x.has_rank()) return node.set_out_unranked(0, x.type());
  if (ids.has_rank()) same_dim(x.dim(0), ids.dim(0), "the rows of data and the segment ids");
  Dims dims = x.dims().vec();
  dims[0] = inferred_segments(node);
  node.set_out(0, x.type(), dims);
}
enum class Mode { sum, prod, max, min, mean };
Mode mode_of(const Node& node) {
  const std::string m = node.s("reduction", "sum");
  if (m == "sum") return Mode::sum;
  if (m == "prod") return Mode::prod;
  if (m == "max") return Mode::max;
  if (m == "min") return Mode::min;
  if (m == "mean") return Mode::mean;
  fail("attribute 'reduction' has an unknown value", "sum, prod, max, min or mean", m);
}
template <class C>
C first_value(Mode m) {
  if (m == Mode::max) return std::numeric_limits<C>::lowest();
  if (m == Mode::min) return std::numeric_limits<C>::max();
  return m == Mode::prod ? C(1) : C(0);
}
template <class C>
C combine(Mode m, C a, C b) {
  if (m == Mode::max) return maximum(a, b);
  if (m == Mode::min) return minimum(a, b);
  return m == Mode::prod ? wrap_mul(a, b) : wrap_add(a, b);
}
template <class T>
void reduce(const Node& node, const Dims& ids) {
  using A = accumulate_t<T>;
  const Tensor x = node.in(0), y = node.out(0);
  const Mode mode = mode_of(node);
  const int64_t segments = y.dim(0), row = count_of(x.dims().data() + 1, x.rank() - 1);
  // The limits of T, not of the accumulator, are what an empty segment holds.
  using C = compute_t<T>;
  std::vector<A> total(static_cast<size_t>(segments * row), static_cast<A>(first_value<C>(mode)));
  Dims count(static_cast<size_t>(segments), 0);
  for (size_t r = 0; r < ids.size(); ++r) {
    if (ids[r] < 0) continue;
    if (ids[r] >= segments) fail("a segment id is out of range", "below " + std::to_string(segments), std::to_string(ids[r]));
    ++count[static_cast<size_t>(ids[r])];
    for (int64_t i = 0; i < row; ++i) {
      A& to = total[static_cast<size_t>(ids[r] * row + i)];
      to = combine(mode, to, static_cast<A>(C(x.data<T>()[static_cast<int64_t>(r) * row + i])));
    }
  }
  for (int64_t i = 0; i < segments * row; ++i) {
    const A v = total[static_cast<size_t>(i)];
    const int64_t n = count[static_cast<size_t>(i / row)];
    y.mutable_data<T>()[i] = T(mode == Mode::mean && n ? divide(v, static_cast<A>(n)) : v);
  }
}
void run(const Node& node) {
  const Dims ids = node.in(1).ints();
  visit<NumericTypes>(node.in(0).type(), [&]<class T>(Tag<T>) { reduce<T>(node, ids); });
}
}  // namespace
TENON_OPERATOR("tenon", "SegmentReduce", 1, 0, "(data: T(num), segment_ids: index, num_segments?: index) -> (output: T) {reduction?: string}", infer, run);
}  // namespace tenon::ops
