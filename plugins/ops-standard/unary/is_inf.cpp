// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct IsInf {
  bool negative, positive;
  explicit IsInf(const Node& n) : negative(n.i("detect_negative", 1) != 0), positive(n.i("detect_positive", 1) != 0) {}
  template <class T> bool operator()(T x) const { return std::isinf(x) && (x > 0 ? positive : negative); }
};
}  // namespace
TENON_OPERATOR("tenon", "IsInf", 1, 0, "(X: T(float)) -> (Y: bool) {detect_negative?: int, detect_positive?: int}", infer_same_bool,
               (run_unary<IsInf, Join<FloatTypes, MiniFloatTypes>>));
}  // namespace tenon::ops
