// SPDX-License-Identifier: Apache-2.0
// What moves elements without changing them, and shapes that are computed.
#include <tenon/dtype.hpp>

#include <algorithm>
#include <numeric>

#include "motifs.hpp"

namespace tenon::test {
namespace {

using Ints = std::vector<int64_t>;

Ints permutation(GraphMaker& g, int32_t rank) {
  Ints p(static_cast<size_t>(rank));
  std::iota(p.begin(), p.end(), 0);
  for (size_t k = p.size(); k > 1; --k) std::swap(p[k - 1], p[g.below(k)]);
  return p;
}
void transposes(GraphMaker& g) {
  Value x = g.any_float(2);
  if (!x) return;
  const Ints p = permutation(g, g.type(x).rank);
  x = g.make("Transpose", {x}, {{"perm", p}});
  if (x && g.chance(2)) x = g.make("Relu", {x});
  Ints back(p.size());
  for (size_t k = 0; k < p.size(); ++k) back[static_cast<size_t>(p[k])] = static_cast<int64_t>(k);
  if (x && g.chance(2)) g.make("Transpose", {x}, {{"perm", g.chance(3) ? permutation(g, g.type(x).rank) : back}});
}
void channels_last(GraphMaker& g) {
  Value x = g.any_float(4);
  if (!x || g.type(x).rank != 4 || g.dim(x, 1) <= 0) return;
  x = g.make("Transpose", {x}, {{"perm", Ints{0, 2, 3, 1}}});
  if (x) x = g.make("Add", {x, g.weights({g.dim(x, 3)})});
  if (x) x = g.make(g.chance(2) ? "Relu" : "Tanh", {x});
  if (x && g.chance(2)) x = g.make("Concat", {x, x}, {{"axis", int64_t{3}}});
  if (x) g.make("Transpose", {x}, {{"perm", Ints{0, 3, 1, 2}}});
}
void reshapes(GraphMaker& g) {
  Value x = g.any_float();
  if (x) x = g.make("Reshape", {x, g.ints(g.pick(std::vector<Ints>{{-1}, {0, -1}, {-1, 4}, {1, -1}, {-1, 2, 2}, {0, 0, -1}}))});
  if (x && g.chance(2)) g.make("Reshape", {x, g.ints(g.pick(std::vector<Ints>{{-1}, {1, 1, -1}, {-1, 1}}))});
}
void unsqueezes(GraphMaker& g) {
  const Value x = g.any_float();
  if (!x) return;
  const auto axis = static_cast<int64_t>(g.below(static_cast<uint64_t>(g.type(x).rank) + 1));
  const Value y = g.make("Unsqueeze", {x, g.ints({axis})});
  if (!y) return;
  if (g.chance(2)) g.make("Squeeze", {y, g.ints({axis})});
  else if (g.chance(2)) g.make("Squeeze", {y});
}
/// Reshape to dimensions read from a shape, as exporters write it.
void computed_reshape(GraphMaker& g) {
  const Value x = g.any_float(2);
  if (!x) return;
  const Value shape = g.make("Shape", {x});
  const Value first = shape ? g.make("Gather", {shape, g.index(0)}, {{"axis", int64_t{0}}}) : 0;
  if (!first) return;
  const Value rows = g.make("Unsqueeze", {first, g.ints({0})});
  if (rows) g.make("Reshape", {x, g.make("Concat", {rows, g.ints({-1})}, {{"axis", int64_t{0}}})});
  if (rows && g.chance(2)) g.make("Mul", {rows, g.ints({2})});
}
void computed_fill(GraphMaker& g) {
  const Value x = g.any_float(1);
  const Value shape = x ? g.make("Shape", {x}) : 0;
  const Value zeros = shape ? g.make("ConstantOfShape", {shape}) : 0;
  if (zeros) g.make("Add", {x, zeros});
  if (shape && g.chance(2)) g.make("Expand", {g.number(2), shape});
}
void slices(GraphMaker& g) {
  Value x = g.any_float(1);
  if (!x) return;
  const auto axis = static_cast<int64_t>(g.below(static_cast<uint64_t>(g.type(x).rank)));
  // Inference takes a symbol to be large enough for literal positions.
  const bool open = g.dim(x, axis) < 0;
  x = g.make("Slice", {x, g.ints({g.pick(open ? Ints{0} : Ints{0, 1, -3})}), g.ints({g.pick(open ? Ints{2, 4, INT64_MAX} : Ints{2, 4, -1, INT64_MAX})}), g.ints({axis}), g.ints({g.pick(Ints{1, 1, 2})})});
  if (x && !open && g.chance(2)) g.make("Slice", {x, g.ints({1}), g.ints({INT64_MAX}), g.ints({axis})});
}
void concats(GraphMaker& g) {
  const Value x = g.any_float(1), y = g.any_float(1);
  if (!x || !y) return;
  const int64_t axis = g.type(x).rank - 1;
  const Value c = g.make("Concat", {x, g.chance(2) ? x : y}, {{"axis", axis}});
  if (c && g.chance(2)) g.make("Concat", {c, x}, {{"axis", g.chance(2) ? axis : int64_t{-1}}});
  else if (c && g.dim(x, -1) > 0) g.make("Slice", {c, g.ints({0}), g.ints({g.dim(x, -1)}), g.ints({axis})});
}
void splits(GraphMaker& g) {
  const Value x = g.any_float(1);
  const int64_t size = x ? g.dim(x, -1) : 0;
  if (size < 2 || size % 2) return;
  const auto parts = g.nodes("Split", {x}, {{"axis", int64_t{-1}}, {"num_outputs", int64_t{2}}}, 2);
  if (parts.size() != 2) return;
  const bool swapped = g.chance(2);
  const Value a = g.chance(2) ? g.make("Tanh", {parts[0]}) : parts[0];
  if (a) g.make("Concat", {swapped ? parts[1] : a, swapped ? a : parts[1]}, {{"axis", int64_t{-1}}});
}
void pads(GraphMaker& g) {
  const Value x = g.any_float(1);
  if (!x) return;
  Ints p(static_cast<size_t>(g.type(x).rank) * 2, 0);
  p[p.size() - 1] = 1;
  p[p.size() / 2 - 1] = static_cast<int64_t>(g.below(3));
  g.make("Pad", {x, g.ints(p), g.number(g.chance(2) ? 0.0f : 2.0f)});
}
void gathers(GraphMaker& g) {
  const Value x = g.any_float(1);
  if (!x || g.dim(x, 0) < 2) return;
  const Value y = g.make("Gather", {x, g.chance(2) ? g.ints({1, 0, -1}) : g.index(1)}, {{"axis", int64_t{0}}});
  if (y && g.chance(3)) g.make("Identity", {y});
}
void expands(GraphMaker& g) {
  const Value x = g.any_float();
  const Value e = x ? g.make("Expand", {x, g.ints({3, 1, 1})}) : 0;
  if (e && g.chance(2)) g.make("Add", {e, x});
}

}  // namespace

std::vector<std::function<void(GraphMaker&)>> movement_motifs() {
  return {transposes, transposes, channels_last, reshapes, unsqueezes, computed_reshape, computed_fill, slices, concats, splits, pads, gathers, expands};
}

}  // namespace tenon::test
