// SPDX-License-Identifier: Apache-2.0
// attention.cpp - attention and rotary embeddings.
#include "common.hpp"

namespace tenon::onnx {
namespace {

void lower_attention(Lower& l) {
  std::initializer_list<std::string_view> names = {"is_causal", "kv_num_heads", "left_window_size", "q_num_heads", "qk_matmul_output_mode",
                                                   "right_window_size", "scale", "softcap", "softmax_precision"};
  known(l, names);
  arity(l, 3, 7, 4);
  for (uint64_t k = 0; k < 3; ++k) need(l, k);
  AttrList a = copied(l, names);
  l.done(l.emit_n("Attention", inputs(l), a, 4, {true, l.has_out(1), l.has_out(2), l.has_out(3)}));
}
TENON_LOWERING("onnx", "Attention", 23, lower_attention);

void lower_rotary(Lower& l) { same(l, "RotaryEmbedding", {"interleaved", "num_heads", "rotary_embedding_dim"}, 3, 4); }
TENON_LOWERING("onnx", "RotaryEmbedding", 23, lower_rotary);

}  // namespace
}  // namespace tenon::onnx
