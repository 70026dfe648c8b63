// SPDX-License-Identifier: Apache-2.0
// Graphs in graphs.
#include <tenon/dtype.hpp>

#include "motifs.hpp"

namespace tenon::test {
namespace {

constexpr size_t kMostDepth = 2;

/// A few motifs on `x`; the last result of its type and shape, or a copy of it.
Value some_work(GraphMaker& g, Value x) {
  const ValueType want = g.type(x);
  for (uint64_t k = 1 + g.below(2); k; --k) g.pick(motifs())(g);
  const auto live = g.live();
  for (auto v = live.rbegin(); v != live.rend(); ++v) {
    const ValueType t = g.type(*v);
    const Slot made_by = g.model().values.producer[core::slot(*v)];
    if (made_by && g.model().values.graph[core::slot(*v)] == g.model().graphs.back().index && t.dtype == want.dtype && t.rank == want.rank && t.dims == want.dims) return *v;
  }
  return g.make(g.chance(2) ? "Tanh" : "Identity", {x});
}

void branches(GraphMaker& g) {
  const Value x = g.any_float();
  if (!x || g.depth() >= kMostDepth) return;
  const Value total = g.chance(2) ? 0 : g.make("ReduceSum", {x}, {{"keepdims", int64_t{0}}});
  const Value condition = total ? g.make("Greater", {total, g.number(0)}) : g.boolean(g.chance(2));
  tenon_graph* yes = g.nested([&] { return std::vector<Value>{g.make("Neg", {x})}; });
  tenon_graph* no = g.nested([&] { return std::vector<Value>{some_work(g, x)}; });
  g.make("If", {condition, }, {{"then_branch", yes}, {"else_branch", no}});
}

void loop(GraphMaker& g) {
  const Value x = g.any_float();
  if (!x || g.depth() >= kMostDepth) return;
  const ValueType t = g.type(x);
  tenon_graph* body = g.nested([&] {
    g.input("i", dt::i64, {});
    const Value condition = g.input("c", dt::boolean, {});
    const Value state = g.input("s", t.dtype, t.dims);
    const Value next = g.make("Add", {g.make("Mul", {state, g.number(0.5f)}), x});
    return std::vector<Value>{g.make("Identity", {condition}), next};
  });
  g.make("Loop", {g.index(static_cast<int64_t>(g.below(3))), g.boolean(true), x}, {{"body", body}});
}

}  // namespace

std::vector<std::function<void(GraphMaker&)>> control_motifs() { return {branches, loop}; }

}  // namespace tenon::test
