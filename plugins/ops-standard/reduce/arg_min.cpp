// SPDX-License-Identifier: Apache-2.0
#include <functional>

#include "common/arg_reduce.hpp"

namespace tenon::ops {
TENON_OPERATOR("tenon", "ArgMin", 1, 0, "(X: T(num)) -> (Y: i64) {axis?: int, keepdims?: int, select_last_index?: int}", infer_arg,
               run_arg<std::less<>>);
}  // namespace tenon::ops
