// SPDX-License-Identifier: Apache-2.0
// schema.hpp - field numbers: the generated ones, and those of ONNX releases newer than the installed onnx.proto.
#pragma once
#include <onnx_schema.hpp>

namespace tenon::onnx::schema::newer {
namespace NodeProto { inline constexpr uint32_t metadata_props = 9; }
}  // namespace tenon::onnx::schema::newer
