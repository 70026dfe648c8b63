// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct BitwiseXor {
  template <class T> T operator()(T a, T b) const { return static_cast<T>(a ^ b); }
};
}  // namespace
TENON_OPERATOR("tenon", "BitwiseXor", 1, TENON_OF_IN_PLACE, "(A: T(int|uint), B: T) -> (C: T)", infer_binary<>,
               (run_binary<BitwiseXor, IntTypes>));
}  // namespace tenon::ops
