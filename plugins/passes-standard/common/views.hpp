// SPDX-License-Identifier: Apache-2.0
// views.hpp - a value as strided elements of another one that reshapes, transpositions and selections of static shape lead back to.
#pragma once
#include <tenon/rewriter.hpp>

#include <optional>
#include <vector>

namespace tenon::passes {

/// Element [i, j, ...] of the value is element offset + i * strides[0] + j * strides[1] + ... of base's row-major memory.
struct View {
  tenon_value base = 0;
  int64_t offset = 0;
  Dims dims, strides;
};

/// Row-major strides.
inline Dims dense(const Dims& dims) {
  Dims r(dims.size(), 1);
  for (size_t k = dims.size(); k-- > 1;) r[k - 1] = r[k] * dims[k];
  return r;
}

/// v as a view of itself, of what that was made from, and so on, nearest first. Empty when v is not of a known static shape without a
/// dimension of 0.
std::vector<View> views_of(const Rewriter& r, tenon_value v);

}  // namespace tenon::passes
