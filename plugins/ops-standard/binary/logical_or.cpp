// SPDX-License-Identifier: Apache-2.0
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct LogicalOr {
  bool operator()(bool a, bool b) const { return a || b; }
};
}  // namespace
TENON_OPERATOR("tenon", "LogicalOr", 1, TENON_OF_IN_PLACE, "(A: bool, B: bool) -> (C: bool)", infer_binary<>,
               (run_binary<LogicalOr, BoolTypes>));
}  // namespace tenon::ops
