// SPDX-License-Identifier: Apache-2.0
#include "common/equality.hpp"

namespace tenon::ops {
namespace {
struct Equal {
  template <class T> bool operator()(T a, T b) const { return a == b; }
};
int64_t fold(const Node&, DimValue a, DimValue b) { return fold_equal(a, b); }
}  // namespace
TENON_OPERATOR("tenon", "Equal", 1, 0, "(A: T(any), B: T) -> (C: bool)", infer_compare<fold>, run_equality<Equal>);
}  // namespace tenon::ops
