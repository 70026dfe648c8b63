// SPDX-License-Identifier: Apache-2.0
// dispatch.hpp - lowerings of operators on quantized tensors. An operator's file names what it lowers:
//
//   TENON_TFLITE_QUANTIZED("ADD", lower_add);     // bool lower_add(Lower&): false = the tensors' numbers are taken as they are
//
// The entries stand in a section of their own, so no list names them.
#pragma once
#include <tenon/tenon.hpp>

namespace tenon::tflite::quantized {

using QuantizedFn = bool (*)(Lower&);
struct Entry {
  const char* op;
  QuantizedFn lower;
};

/// Lowers the node when an input or output of it is quantized and its arithmetic depends on that. Throws for an operator that
/// neither has a quantized form nor only moves numbers.
bool lower(Lower& l);

}  // namespace tenon::tflite::quantized

#define TENON_TFLITE_QUANTIZED(op_, fn_)                                                                                 \
  static constexpr ::tenon::tflite::quantized::Entry TENON_CAT_(quantized_entry_, __LINE__) = {op_, &fn_};               \
  __attribute__((used, section("tflite_quantized"))) static const ::tenon::tflite::quantized::Entry* const       \
      TENON_CAT_(quantized_pointer_, __LINE__) = &TENON_CAT_(quantized_entry_, __LINE__)
