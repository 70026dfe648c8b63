// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Log {
  template <class T> T operator()(T x) const { return std::log(x); }
};
}  // namespace
TENON_OPERATOR("tenon", "Log", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T)", infer_same, (run_unary<Log, FloatTypes>));
}  // namespace tenon::ops
