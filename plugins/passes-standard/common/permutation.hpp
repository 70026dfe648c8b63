// SPDX-License-Identifier: Apache-2.0
// permutation.hpp - movements of elements as axes in another order, comparable whatever the shapes in which they were written.
#pragma once
#include <tenon/rewriter.hpp>

#include <algorithm>
#include <optional>
#include <vector>

#include "common/shapes.hpp"

namespace tenon::passes {

/// Axes of the given lengths, read in the order perm; lengths may be symbols.
struct Permutation {
  Dims shape;
  std::vector<int64_t> perm;
  bool operator==(const Permutation&) const = default;
};

/// The same movement without axes of length 1 and with axes that stay together as one, so that equal movements are equal values.
inline Permutation canonical(const Graph& g, const Permutation& p) {
  Permutation r;
  std::vector<std::pair<int64_t, int64_t>> groups;  // first input axis and length, in the order of the output
  int64_t last = -2;
  for (int64_t axis : p.perm) {
    const int64_t d = p.shape[static_cast<size_t>(axis)];
    if (d == 1) continue;
    bool follows = last >= 0 && axis > last;
    for (int64_t k = last + 1; follows && k < axis; ++k) follows = p.shape[static_cast<size_t>(k)] == 1;
    if (follows) groups.back().second = api().ir->dim_op(g.raw(), TENON_DIM_MUL, groups.back().second, d);
    else groups.emplace_back(axis, d);
    last = axis;
  }
  std::vector<size_t> order(groups.size());
  for (size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return groups[a].first < groups[b].first; });
  r.perm.resize(groups.size());
  for (size_t k = 0; k < order.size(); ++k) {
    r.shape.push_back(groups[order[k]].second);
    r.perm[order[k]] = static_cast<int64_t>(k);
  }
  return r;
}

/// The Reshape n of a Transpose of a Reshape, with no other users in between.
struct Shuffle {
  tenon_value x = 0;
  Permutation movement;
  std::vector<tenon_node> nodes;
};
inline std::optional<Shuffle> shuffle(const Rewriter& r, tenon_node n) {
  const tenon_node t = r.made_by(r.g.input(n, 0), "Transpose");
  if (!t || !r.single_use(r.g.input(n, 0))) return std::nullopt;
  const tenon_value middle = r.g.input(t, 0);
  const ValueInfo m = r.g.info(middle);
  const tenon_node reshape = r.made_by(middle, "Reshape");
  if (!reshape || !r.single_use(middle) || !known(m)) return std::nullopt;
  Shuffle s{r.g.input(reshape, 0), {m.dims().vec(), r.g.attrs(t).ints("perm")}, {t, reshape}};
  if (s.movement.perm.size() != s.movement.shape.size()) return std::nullopt;
  return s;
}

}  // namespace tenon::passes
