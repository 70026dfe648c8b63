// SPDX-License-Identifier: Apache-2.0
// options.hpp - reading a foreign node's options.
#pragma once
#include <string>

#include <tenon/tenon.hpp>

#include "lowerings/common/common.hpp"

namespace tenon::tflite::quantized {

/// Name of the fused activation, "NONE" when there is none.
std::string activation(const Lower& l);

/// Axes 0 to rank - 1 from constant input k, sorted, without repetitions.
std::vector<int64_t> constant_axes(Lower& l, uint64_t k, int32_t rank);

}  // namespace tenon::tflite::quantized
