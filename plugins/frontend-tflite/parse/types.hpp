// SPDX-License-Identifier: Apache-2.0
// types.hpp - element types and dimensions of the file's tensors.
#pragma once
#include "file.hpp"

namespace tenon::tflite {

/// none for RESOURCE, VARIANT and numbers that are not known.
tenon_dtype element_type(fb::TensorType t);

/// Name of a tensor, possibly empty.
std::string tensor_name(const fb::Tensor& t);

/// Sizes as stored; negative ones throw.
Dims stored_dims(const File& file, const fb::Tensor& t);

struct ValueType {
  tenon_dtype dtype{};
  int32_t rank = TENON_RANK_UNKNOWN;
  Dims dims;  ///< TENON_DIM_UNKNOWN where the signature has -1
};
/// What the file says of a tensor that is computed: an empty shape is a scalar only when it says so.
ValueType declared_type(const File& file, const fb::Tensor& t);

/// Number of elements; throws when it overflows.
uint64_t element_count(const File& file, const fb::Tensor& t, const Dims& dims, tenon_dtype type);

}  // namespace tenon::tflite
