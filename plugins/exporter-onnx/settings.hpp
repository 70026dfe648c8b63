// SPDX-License-Identifier: Apache-2.0
// settings.hpp - what the user chose.
#pragma once
#include <tenon/exporter.hpp>

namespace tenon::to_onnx {

struct Settings {
  int64_t opset = 21;             ///< of ai.onnx
  bool microsoft = false;         ///< fused operators of com.microsoft
  uint64_t external_above = 0;    ///< bytes of tensors from which they go into a file of their own
  bool keep_foreign = false;      ///< operators that nobody lowered are written as they stand
};

/// IR version that the opset's release of ONNX came with.
inline int64_t ir_version(int64_t opset) {
  static constexpr int64_t first_opset[] = {13, 15, 19, 21, 23, 24, 25, 28}, version[] = {7, 8, 9, 10, 11, 12, 13, 14};
  int64_t v = version[0];
  for (size_t i = 0; i < std::size(first_opset); ++i)
    if (opset >= first_opset[i]) v = version[i];
  return v;
}

/// Number of an element type in TensorProto.DataType; E_UNSUPPORTED when ONNX has none.
int64_t data_type(tenon_dtype t);

}  // namespace tenon::to_onnx
