// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct IsNaN {
  template <class T> bool operator()(T x) const { return x != x; }
};
}  // namespace
TENON_OPERATOR("tenon", "IsNaN", 1, 0, "(X: T(float)) -> (Y: bool)", infer_same_bool,
               (run_unary<IsNaN, Join<FloatTypes, MiniFloatTypes>>));
}  // namespace tenon::ops
