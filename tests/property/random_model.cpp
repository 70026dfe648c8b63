// SPDX-License-Identifier: Apache-2.0
#include "random_model.hpp"

#include <tenon/dtype.hpp>

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "core/ir/verifier.hpp"
#include "motifs.hpp"

namespace tenon::test {
namespace {

void inputs(GraphMaker& g) {
  const int64_t n = g.model().symbols.named("N"), t = g.model().symbols.named("T");
  const std::vector<std::vector<int64_t>> shapes = {{1, 4, 6, 6}, {2, 4, 5, 5}, {n, 4, 8, 8}, {n, 4}, {2, 3, 4}, {n, t, 8}, {3, 8}, {1, 5, 8}, {6}, {}, {0, 4}, {2, 0, 3}, {n}};
  const size_t count = 1 + g.below(3);
  for (size_t k = 0; k < count; ++k) g.input("x" + std::to_string(k), dt::f32, g.pick(shapes));
  if (g.chance(5)) g.input("k", dt::i64, {3});
  if (g.chance(6)) g.input("b", dt::boolean, {2, 2});
}

/// Distinct values that the main graph makes itself.
std::vector<Value> outputs(GraphMaker& g) {
  std::vector<Value> out;
  for (Value v : g.live())
    if (g.model().values.producer[core::slot(v)]) out.push_back(v);
  while (out.size() > 1 && (out.size() > 4 || g.chance(2))) out.erase(out.begin() + static_cast<std::ptrdiff_t>(g.below(out.size() - 1)));
  return out;
}

}  // namespace

std::unique_ptr<core::Model> random_model(core::Session& s, uint64_t seed) {
  GraphMaker g(s, seed);
  inputs(g);
  const size_t size = 4 + g.below(16);
  for (size_t k = 0; k < size; ++k) {
    g.pick(motifs())(g);
    if (g.chance(4)) g.twin();
  }
  auto out = outputs(g);
  if (out.empty()) out.push_back(g.make("Identity", {g.live().front()}));
  g.finish(out, "y");
  auto m = g.take();
  m->importing = false;
  if (auto inferred = core::infer_graph(s, *m, m->main()); !inferred) throw std::logic_error(core::to_text(inferred.error()));
  if (auto sound = core::verify(s, *m); !sound) throw std::logic_error(core::to_text(sound.error()));
  return m;
}

}  // namespace tenon::test
