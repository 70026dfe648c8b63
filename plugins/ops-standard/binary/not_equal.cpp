// SPDX-License-Identifier: Apache-2.0
#include "common/equality.hpp"

namespace tenon::ops {
namespace {
struct NotEqual {
  template <class T> bool operator()(T a, T b) const { return a != b; }
};
int64_t fold(const Node&, DimValue a, DimValue b) {
  const int64_t e = fold_equal(a, b);
  return e == kUnknown ? kUnknown : 1 - e;
}
}  // namespace
TENON_OPERATOR("tenon", "NotEqual", 1, 0, "(A: T(any), B: T) -> (C: bool)", infer_compare<fold>, run_equality<NotEqual>);
}  // namespace tenon::ops
