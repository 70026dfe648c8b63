// SPDX-License-Identifier: Apache-2.0
// A reduction of a reduction of the same kind, and one over axes of size 1.
#include <algorithm>

#include "rule.hpp"

namespace tenon::saturate {
namespace {

/// Axes as they are counted from the front, with keepdims; nothing when they are not known.
std::optional<std::vector<int64_t>> axes_of(const EGraph& e, NodeId n) {
  const Operation& op = e.operation_of_expression(n);
  const int32_t rank = e.type(e.child(n, 0)).rank;
  const auto axes = e.ints(e.child(n, 1));
  if (!axes || axes->empty() || rank < 0 || op.i("keepdims", 1) != 1) return std::nullopt;
  std::vector<int64_t> r;
  for (int64_t a : *axes) r.push_back(a < 0 ? a + rank : a);
  std::sort(r.begin(), r.end());
  return r.front() >= 0 && r.back() < rank ? std::optional<std::vector<int64_t>>(r) : std::nullopt;
}
void join(Matcher& m, NodeId n) {
  const auto outer = axes_of(m.e, n);
  const std::string name = m.e.operation_of_expression(n).name;
  if (!outer) return;
  m.e.each(m.e.child(n, 0), name, [&](NodeId inner) {
    const auto first = axes_of(m.e, inner);
    if (!first) return;
    std::vector<int64_t> both;
    std::set_union(first->begin(), first->end(), outer->begin(), outer->end(), std::back_inserter(both));
    // An axis of the second one that the first left as 1 is no axis that counts twice.
    const Operation op = Operation(name).set("keepdims", int64_t{1});
    const ClassId out = m.e.expression(n).cls, axes = m.e.add_ints(both);
    m.equal(out, m.e.add(op, {m.e.child(inner, 0), axes}, m.e.type(out), m.origins({n, inner})));
  });
}
void needless(Matcher& m, NodeId n) {
  const auto axes = axes_of(m.e, n);
  const ClassId x = m.e.child(n, 0);
  if (!axes) return;
  for (int64_t a : *axes)
    if (m.e.type(x).dims[static_cast<size_t>(a)] != 1) return;
  m.equal(m.e.expression(n).cls, x);
}

}  // namespace

void register_reduce(RuleTable& t) {
  t.add({"reduce-reduce", true, {"ReduceMax", "ReduceMin"}, join});
  t.add({"sum-of-sums", false, {"ReduceMean", "ReduceSum"}, join});
  t.add({"reduce-one", true, {"ReduceMax", "ReduceMin"}, needless});
  t.add({"sum-of-one", false, {"ReduceMean", "ReduceSum"}, needless});
}

}  // namespace tenon::saturate
