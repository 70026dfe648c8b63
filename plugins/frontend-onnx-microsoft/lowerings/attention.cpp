// SPDX-License-Identifier: Apache-2.0
// attention.cpp - Attention and QAttention: the projection to query, key and value, then attention.
#include "attention_mask.hpp"
#include "integer_product.hpp"

namespace tenon::contrib {
namespace {

int64_t heads_of(Lower& l) {
  const int64_t heads = l.i("num_heads", 0);
  if (heads < 1) throw invalid("attribute 'num_heads' is missing or not positive");
  return heads;
}

/// Attention over qkv [batch, queries, q + k + v]; past and present are [2, batch, heads, steps, size].
void attend(Lower& l, tenon_value qkv, tenon_value past, MaskInputs mask) {
  const int64_t heads = heads_of(l);
  const auto sizes = attr_ints(l, "qkv_hidden_sizes");
  if (!sizes.empty() && sizes.size() != 3)
    throw invalid("attribute 'qkv_hidden_sizes' has a wrong length").with("expected", "3").with("found", std::to_string(sizes.size()));
  AttrList last;
  last.add("axis", 2);
  if (sizes.empty()) last.add("num_outputs", 3);
  const auto parts = l.emit_n("Split", sizes.empty() ? Values{qkv} : Values{qkv, l.ints(sizes)}, last, 3);
  mask.total = dim(l, l.in(0), 1);
  if (past) mask.total = l.emit("Add", {mask.total, dim(l, past, 3)});
  Values in{parts[0], parts[1], parts[2], attention_bias(l, mask, dt::f32 == type_of(l, l.in(0)) || !is_float(type_of(l, l.in(0))) ? dt::f32 : type_of(l, l.in(0)))};
  if (past) in.insert(in.end(), {gather(l, past, l.scalar<int64_t>(0)), gather(l, past, l.scalar<int64_t>(1))});
  while (!in.back()) in.pop_back();
  AttrList a;
  a.add("q_num_heads", heads).add("kv_num_heads", heads).add("is_causal", l.i("unidirectional", 0));
  if (l.f("scale", 0) != 0) a.add("scale", l.f("scale"));
  const bool present = used(l, 1);
  const auto out = l.emit_n("Attention", in, a, 3, {true, present, present});
  l.done({out[0], present ? concat(l, {unsqueeze(l, out[1], {0}), unsqueeze(l, out[2], {0})}) : 0});
}

void refuse_features(Lower& l) {
  refuse(l.i("do_rotary", 0) != 0, "do_rotary");
  refuse(l.i("past_present_share_buffer", 0) != 0, "past_present_share_buffer");
}

void lower_attention(Lower& l) {
  known(l, {"do_rotary", "mask_filter_value", "num_heads", "past_present_share_buffer", "qkv_hidden_sizes", "rotary_embedding_dim", "scale", "unidirectional"});
  arity(l, 2, 7, 2);
  refuse_features(l);
  refuse_input(l, 6, "past_sequence_length");
  tenon_value qkv = plus_input(l, l.emit("MatMul", {need(l, 0), need(l, 1)}), 2);
  attend(l, qkv, l.in(4), {l.in(3), l.in(5), 0});
}
TENON_LOWERING("com.microsoft", "Attention", 1, lower_attention);

void lower_qattention(Lower& l) {
  known(l, {"do_rotary", "mask_filter_value", "num_heads", "past_present_share_buffer", "scale", "unidirectional"});
  arity(l, 5, 9, 2);
  refuse_features(l);
  tenon_value qkv = scaled_product(l, need(l, 0), as_scalar(l, need(l, 3)), l.in(6), need(l, 1), as_scalar(l, need(l, 4)), l.in(7));
  attend(l, plus_input(l, qkv, 2), l.in(8), {l.in(5), 0, 0});
}
TENON_LOWERING("com.microsoft", "QAttention", 1, lower_qattention);

}  // namespace
}  // namespace tenon::contrib
