// SPDX-License-Identifier: Apache-2.0
#include "dispatch.hpp"

#include <algorithm>
#include <array>

#include "affine.hpp"

extern const tenon::tflite::quantized::Entry* const __start_tflite_quantized[] __attribute__((visibility("hidden")));
extern const tenon::tflite::quantized::Entry* const __stop_tflite_quantized[] __attribute__((visibility("hidden")));

namespace tenon::tflite::quantized {
namespace {

/// Operators that move, select or compare numbers, whatever they stand for.
constexpr std::array kMoving = std::to_array<std::string_view>(
    {"ARG_MAX", "ARG_MIN", "ASSIGN_VARIABLE", "BATCH_TO_SPACE_ND", "BITCAST", "BROADCAST_TO", "CALL", "CALL_ONCE", "CAST", "CONCATENATION", "DENSIFY", "DEPTH_TO_SPACE", "DEQUANTIZE", "DILATE",
     "DYNAMIC_UPDATE_SLICE", "EMBEDDING_LOOKUP", "EQUAL", "EXPAND_DIMS", "FILL", "GATHER", "GATHER_ND", "GREATER", "GREATER_EQUAL", "HASHTABLE_LOOKUP", "IF", "LESS", "LESS_EQUAL", "MATRIX_DIAG",
     "MATRIX_SET_DIAG", "MAXIMUM", "MINIMUM", "MIRROR_PAD", "NOT_EQUAL", "PACK", "PADV2", "QUANTIZE", "RANK", "READ_VARIABLE", "REDUCE_MAX", "REDUCE_MIN", "RESHAPE", "RESIZE_NEAREST_NEIGHBOR",
     "REVERSE_SEQUENCE", "REVERSE_V2", "SCATTER_ND", "SELECT", "SELECT_V2", "SHAPE", "SLICE", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQUEEZE", "STABLEHLO_COMPOSITE",
     "STRIDED_SLICE", "TILE", "TOPK_V2", "TRANSPOSE", "UNIQUE", "UNPACK", "VAR_HANDLE", "WHERE", "WHILE", "ZEROS_LIKE"});

static_assert(std::is_sorted(kMoving.begin(), kMoving.end()));

const Entry* find(std::string_view op) {
  for (auto e = __start_tflite_quantized; e != __stop_tflite_quantized; ++e)
    if (*e && (*e)->op == op) return *e;
  return nullptr;
}

bool has_quantized(Lower& l) {
  for (uint64_t k = 0; k < l.n_in(); ++k)
    if (is_quantized(input_affine(l, k))) return true;
  for (uint64_t k = 0; k < l.n_out(); ++k)
    if (is_quantized(output_affine(l, k))) return true;
  return false;
}

}  // namespace

bool lower(Lower& l) {
  const std::string op(Graph::op_name(l.graph().op(l.node())).name);
  const Entry* e = find(op);
  if (e && e->lower(l)) return true;
  if (std::binary_search(kMoving.begin(), kMoving.end(), op) || !has_quantized(l)) return false;
  throw unsupported("this operator has no form for quantized tensors").with("found", op);
}

}  // namespace tenon::tflite::quantized
