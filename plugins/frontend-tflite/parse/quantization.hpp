// SPDX-License-Identifier: Apache-2.0
// quantization.hpp - scales and zero points of tensors.
#pragma once
#include "types.hpp"

namespace tenon::tflite {

/// Puts scales and zero points onto value v of an integer type. What the IR's values cannot carry is left to quantization_attributes().
void set_quantization(const Ctx& ctx, const File& file, const fb::Tensor& t, tenon_graph* g, tenon_value v);

/// Details that a value cannot carry: NULL when there are none.
const fb::BlockwiseQuantization* blockwise(const fb::Tensor& t);
/// Name of such details of another kind than blockwise; empty when there are none.
std::string other_details(const fb::Tensor& t);

}  // namespace tenon::tflite
