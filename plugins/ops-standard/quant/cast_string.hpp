// SPDX-License-Identifier: Apache-2.0
// cast_string.hpp - Cast between numbers and text.
#pragma once
#include <tenon/node.hpp>

namespace tenon::ops {

/// Output 0: shortest decimal text that reads back as the same number; NaN, INF and -INF; booleans are 1 and 0.
void cast_to_strings(const Node& node);
/// Output 0: numbers read from text. Text that is no number is an error.
void cast_from_strings(const Node& node);

}  // namespace tenon::ops
