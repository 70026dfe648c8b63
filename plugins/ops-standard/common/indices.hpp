// SPDX-License-Identifier: Apache-2.0
// indices.hpp - index tensors: checked against the dimension they point into, negative ones counted from its end.
#pragma once
#include "common/infer.hpp"

namespace tenon::ops {

inline int64_t checked_index(int64_t i, int64_t dim) {
  if (i < -dim || i >= dim) fail("an index is out of range", "between " + std::to_string(-dim) + " and " + std::to_string(dim - 1), std::to_string(i));
  return i < 0 ? i + dim : i;
}
/// All indices in [0, dim).
inline Dims checked_indices(Tensor t, int64_t dim) {
  Dims r = t.ints();
  for (int64_t& i : r) i = checked_index(i, dim);
  return r;
}
inline void expect_index_type(const Node& node, uint32_t k) {
  const tenon_dtype t = node.in(k).type();
  if (t != dt::none && !is_int(t)) fail("input " + std::to_string(k) + " must hold indices", "an integer type", dtype_name(t));
}

}  // namespace tenon::ops
