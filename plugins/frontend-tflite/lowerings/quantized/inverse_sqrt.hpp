// SPDX-License-Identifier: Apache-2.0
// inverse_sqrt.hpp - 1 / sqrt(x) of an integer in fixed point: five steps of Newton's iteration from 1.
#pragma once
#include <tenon/fixed_point.hpp>

namespace tenon::tflite {

/// 1 / sqrt(x) for x >= 1, as multiplier * 2^(shift - 31).
FixedScale inverse_sqrt(int32_t x);

}  // namespace tenon::tflite
