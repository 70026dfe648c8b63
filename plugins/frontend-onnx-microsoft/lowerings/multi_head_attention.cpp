// SPDX-License-Identifier: Apache-2.0
// multi_head_attention.cpp - attention over query, key and value that are projected already.
#include "attention_mask.hpp"

namespace tenon::contrib {
namespace {

enum Input : uint64_t { kQuery, kKey, kValue, kBias, kPadding, kAttentionBias, kPastKey, kPastValue, kPastLength, kIndirection };

/// Query, key and value as [batch, steps, hidden].
struct Projections {
  tenon_value q, k, v;
};

/// Item `at` of axis 3 of [batch, steps, heads, n, size], heads joined again.
tenon_value packed(Lower& l, tenon_value v, int64_t at) { return reshape(l, gather(l, v, l.scalar<int64_t>(at), 3), {0, 0, -1}); }

/// [batch, heads, steps, size] as [batch, steps, hidden].
tenon_value joined(Lower& l, tenon_value v) { return reshape(l, transpose(l, v, {0, 2, 1, 3}), {0, 0, -1}); }

Projections projections(Lower& l) {
  tenon_value q = need(l, kQuery);
  if (rank_of(l, q, "the query") == 5) return {packed(l, q, 0), packed(l, q, 1), packed(l, q, 2)};
  tenon_value k = need(l, kKey);
  const int32_t rank = rank_of(l, k, "the key");
  if (rank == 5) return {q, packed(l, k, 0), packed(l, k, 1)};
  if (rank == 4) return {q, joined(l, k), joined(l, need(l, kValue))};
  return {q, k, need(l, kValue)};
}

/// The bias is that of query, key and value, one behind the other. Only its length is known, so their sizes are taken from the data.
void add_bias(Lower& l, Projections& p) {
  if (!l.has_in(kBias)) return;
  auto width = [&](tenon_value v) { return l.emit("Shape", {v}, AttrList{}.set("start", 2).set("end", 3)); };
  const auto part = l.emit_n("Split", {l.in(kBias), concat(l, {width(p.q), width(p.k), width(p.v)})}, AttrList{}.set("axis", 0), 3);
  p = {l.emit("Add", {p.q, part[0]}), l.emit("Add", {p.k, part[1]}), l.emit("Add", {p.v, part[2]})};
}

void lower(Lower& l) {
  known(l, {"mask_filter_value", "num_heads", "scale", "unidirectional"});
  arity(l, 1, 10, 4);
  refuse_input(l, kPastLength, "past_sequence_length");
  refuse_input(l, kIndirection, "cache_indirection");
  if (l.has_in(kPastKey) != l.has_in(kPastValue)) throw invalid("past_key and past_value belong together");
  const int64_t heads = l.i("num_heads", 0);
  if (heads < 1) throw invalid("attribute 'num_heads' is missing or not positive");
  Projections p = projections(l);
  add_bias(l, p);
  MaskInputs mask{l.in(kPadding), l.in(kAttentionBias), dim(l, p.k, 1)};
  if (l.has_in(kPastKey)) mask.total = l.emit("Add", {mask.total, dim(l, l.in(kPastKey), 2)});
  Values in{p.q, p.k, p.v, attention_bias(l, mask, type_of(l, l.in(kQuery))), l.in(kPastKey), l.in(kPastValue)};
  while (!in.back()) in.pop_back();
  AttrList a;
  a.add("q_num_heads", heads).add("kv_num_heads", heads).add("is_causal", l.i("unidirectional", 0));
  if (l.f("scale", 0) != 0) a.add("scale", l.f("scale"));
  refuse(used(l, 3), "output 'qk'");
  l.done(l.emit_n("Attention", in, a, 3, {true, l.has_out(1), l.has_out(2)}));
}
TENON_LOWERING("com.microsoft", "MultiHeadAttention", 1, lower);

}  // namespace
}  // namespace tenon::contrib
