// SPDX-License-Identifier: Apache-2.0
// schema.hpp - field numbers: the generated ones, and those of ONNX releases newer than the installed onnx.proto.
#pragma once
#include <onnx_schema.hpp>

namespace tenon::onnx::schema::newer {
namespace ModelProto { inline constexpr uint32_t configuration = 26; }
namespace GraphProto { inline constexpr uint32_t metadata_props = 16; }
namespace NodeProto { inline constexpr uint32_t overload = 8, metadata_props = 9, device_configurations = 10; }
namespace TensorProto { inline constexpr uint32_t metadata_props = 16; }
namespace ValueInfoProto { inline constexpr uint32_t metadata_props = 4; }
namespace FunctionProto { inline constexpr uint32_t attribute_proto = 11, value_info = 12, overload = 13, metadata_props = 14; }
}  // namespace tenon::onnx::schema::newer
