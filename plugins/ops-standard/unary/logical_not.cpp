// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct LogicalNot {
  bool operator()(bool x) const { return !x; }
};
}  // namespace
TENON_OPERATOR("tenon", "LogicalNot", 1, TENON_OF_IN_PLACE, "(X: bool) -> (Y: bool)", infer_same, (run_unary<LogicalNot, BoolTypes>));
}  // namespace tenon::ops
