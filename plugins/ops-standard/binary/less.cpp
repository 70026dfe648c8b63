// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Less {
  template <class T> bool operator()(T a, T b) const { return a < b; }
};
int64_t fold([[maybe_unused]] const Node& n, DimValue a, DimValue b) {
  return a.number && b.number ? a.v < b.v : kUnknown;
}
}  // namespace
TENON_OPERATOR("tenon", "Less", 1, 0, "(A: T(num), B: T) -> (C: bool)", infer_compare<fold>,
               (run_binary<Less, NumericTypes>));
}  // namespace tenon::ops
