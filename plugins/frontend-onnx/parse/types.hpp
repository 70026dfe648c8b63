// SPDX-License-Identifier: Apache-2.0
// types.hpp - ONNX's element types and type messages as the IR's.
#pragma once
#include "ast.hpp"

namespace tenon::onnx {

/// Element type of TensorProto.DataType `number`; dt::none for UNDEFINED and for numbers that no ONNX release has.
tenon_dtype element_type(int64_t number);

struct ValueType {
  tenon_dtype dtype = dt::none;
  int32_t rank = TENON_RANK_UNKNOWN;
  Dims dims;
};

/// Reads a TypeProto. Dimensions with a name become symbols of g's model; those without name and number are unknown.
/// A sparse tensor is read as the dense one. What the IR cannot express (a sequence of sequences, an opaque type) throws E_UNSUPPORTED.
ValueType read_type(const File& file, Bytes type, tenon_graph* g);

}  // namespace tenon::onnx
