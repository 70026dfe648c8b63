// SPDX-License-Identifier: Apache-2.0
// stablehlo.hpp - what lowerings of StableHLO's operators share.
#pragma once
#include "lowerings/common/common.hpp"

namespace tenon::tflite {

/// Shape of output 0 as the file declares it; E_UNSUPPORTED where it is open. With `one_open` one dimension may be, as -1.
std::vector<int64_t> declared_shape(const Lower& l, bool one_open);

/// What a body of two arguments computes.
enum class Combine { add, multiply, maximum, minimum, logical_and, logical_or, second };

/// Of nested graph `name`; E_UNSUPPORTED for a body that is more than one such operator.
Combine combine_of(Lower& l, std::string_view name);

}  // namespace tenon::tflite
