// SPDX-License-Identifier: Apache-2.0
// shape.hpp - static shapes: counting without overflow, and text for messages.
#pragma once
#include <cstdint>
#include <string>
#include <tenon/dtype.hpp>
#include <vector>

#include "../report/error.hpp"

namespace tenon::core {

/// Number of elements. E_INVALID for a negative dimension, or when the dimensions other than 0 multiply to more than 2^62.
Result<int64_t> element_count(const std::vector<int64_t>& dims);
/// Bytes of a dense tensor; E_INVALID as element_count.
Result<uint64_t> dense_bytes(tenon_dtype t, const std::vector<int64_t>& dims);
/// "[1, 3, 224, 224]".
std::string shape_text(const std::vector<int64_t>& dims);
/// "f32[1, 3]".
std::string type_text(tenon_dtype t, const std::vector<int64_t>& dims);

}  // namespace tenon::core
