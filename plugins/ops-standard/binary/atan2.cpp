// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Atan2 {
  template <class T> T operator()(T a, T b) const { return std::atan2(a, b); }
};
}  // namespace
TENON_OPERATOR("tenon", "Atan2", 1, TENON_OF_IN_PLACE, "(A: T(float), B: T) -> (C: T)", infer_binary<>, (run_binary<Atan2, FloatTypes>));
}  // namespace tenon::ops
