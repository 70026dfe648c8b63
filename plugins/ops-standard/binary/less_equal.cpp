// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct LessEqual {
  template <class T> bool operator()(T a, T b) const { return a <= b; }
};
int64_t fold([[maybe_unused]] const Node& n, DimValue a, DimValue b) {
  return a.number && b.number ? a.v <= b.v : kUnknown;
}
}  // namespace
TENON_OPERATOR("tenon", "LessEqual", 1, 0, "(A: T(num), B: T) -> (C: bool)", infer_compare<fold>,
               (run_binary<LessEqual, NumericTypes>));
}  // namespace tenon::ops
