// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct BitwiseNot {
  template <class T> T operator()(T x) const { return static_cast<T>(~x); }
};
}  // namespace
TENON_OPERATOR("tenon", "BitwiseNot", 1, TENON_OF_IN_PLACE, "(X: T(int|uint)) -> (Y: T)", infer_same, (run_unary<BitwiseNot, IntTypes>));
}  // namespace tenon::ops
