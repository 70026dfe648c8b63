// SPDX-License-Identifier: Apache-2.0
// shapes.hpp - what is provable about shapes. A symbol equals itself; an unknown dimension equals nothing.
#pragma once
#include <tenon/graph.hpp>

#include <algorithm>
#include <optional>

namespace tenon::passes {

inline bool known(const ValueInfo& i) {
  if (i.rank() < 0) return false;
  for (int64_t d : i.dims())
    if (d == TENON_DIM_UNKNOWN) return false;
  return true;
}
inline bool same_dims(const ValueInfo& a, const ValueInfo& b) {
  return known(a) && a.rank() == b.rank() && a.dims().vec() == b.dims().vec();
}
inline bool same_type(const ValueInfo& a, const ValueInfo& b) { return a.type() == b.type() && same_dims(a, b); }

/// Axis in [0, rank).
inline int64_t axis_of(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }

/// i is [1], [1, 1], [] and the like, so that it never widens what it broadcasts to, given that its rank is not larger.
inline bool all_ones(const ValueInfo& i) {
  if (i.rank() < 0) return false;
  for (int64_t d : i.dims())
    if (d != 1) return false;
  return true;
}

/// The shape as a Reshape target: at most one dimension is no number and becomes -1. Nothing when a dimension is 0 or more than
/// one is no number.
inline std::optional<Dims> reshape_target(const ValueInfo& i) {
  if (i.rank() < 0) return std::nullopt;
  Dims r = i.dims().vec();
  int free = 0;
  for (auto& d : r) {
    if (d == 0) return std::nullopt;
    if (d < 0) ++free, d = -1;
  }
  if (free > 1) return std::nullopt;
  return r;
}

/// Shape of a op b by broadcasting, where it is provable.
inline std::optional<Dims> broadcast_dims(const ValueInfo& a, const ValueInfo& b) {
  if (!known(a) || !known(b)) return std::nullopt;
  Dims d(static_cast<size_t>(std::max(a.rank(), b.rank())), 1);
  const auto rank = static_cast<int32_t>(d.size());
  for (int32_t k = 0; k < rank; ++k) {
    const int64_t x = k < rank - a.rank() ? 1 : a.dim(k - rank + a.rank()), y = k < rank - b.rank() ? 1 : b.dim(k - rank + b.rank());
    if (x != y && x != 1 && y != 1) return std::nullopt;
    d[static_cast<size_t>(k)] = x == 1 ? y : x;
  }
  return d;
}

}  // namespace tenon::passes
