// SPDX-License-Identifier: Apache-2.0
// types.hpp - types of values as TypeProto.
#pragma once
#include "../settings.hpp"
#include "message.hpp"

namespace tenon::to_onnx {

/// TypeProto of an element type and shape; dimensions without a name or number are left open.
Message type_proto(const Graph& g, tenon_dtype type, int32_t rank, Span<int64_t> dims);

}  // namespace tenon::to_onnx
