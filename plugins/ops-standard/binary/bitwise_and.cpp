// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct BitwiseAnd {
  template <class T> T operator()(T a, T b) const { return static_cast<T>(a & b); }
};
}  // namespace
TENON_OPERATOR("tenon", "BitwiseAnd", 1, TENON_OF_IN_PLACE, "(A: T(int|uint), B: T) -> (C: T)", infer_binary<>,
               (run_binary<BitwiseAnd, IntTypes>));
}  // namespace tenon::ops
