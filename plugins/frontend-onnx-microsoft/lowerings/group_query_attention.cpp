// SPDX-License-Identifier: Apache-2.0
// group_query_attention.cpp - attention with fewer heads for keys and values, rotary embedding and a cache whose rows may be filled to
// different lengths: row b has seqlens_k[b] + 1 keys after this step, the last ones of this step.
#include <limits>

#include "attention_mask.hpp"

namespace tenon::contrib {
namespace {

enum Input : uint64_t { kQuery, kKey, kValue, kPastKey, kPastValue, kLengths, kTotal, kCosines, kSines, kPositions, kAttentionBias, kSink };

class Step {
  Lower& l_;
  int64_t heads_, kv_heads_;
  tenon_value q_, k_, v_, past_, at_, keys_;  // past_ [batch, 1]: filled before this step; at_ [batch, queries]: positions; keys_: length of the cache after it

  void split() {
    q_ = need(l_, kQuery);
    if (l_.has_in(kKey)) {
      k_ = l_.in(kKey);
      v_ = need(l_, kValue);
      return;
    }
    const int64_t all = l_.info(q_).rank() == 3 ? l_.info(q_).dim(2) : TENON_DIM_UNKNOWN;
    if (all < 0 || all % (heads_ + 2 * kv_heads_)) throw unsupported("the size of the heads cannot be told from the packed query, key and value");
    const int64_t size = all / (heads_ + 2 * kv_heads_);
    const auto part = l_.emit_n("Split", {q_, l_.ints({heads_ * size, kv_heads_ * size, kv_heads_ * size})}, AttrList{}.set("axis", 2), 3);
    q_ = part[0], k_ = part[1], v_ = part[2];
  }
  /// In the first step (as many keys as queries) nothing is filled yet, also where a row is shorter than the others.
  void place() {
    tenon_value steps = dim(l_, l_.in(kQuery), 1), total = reshape(l_, cast(l_, need(l_, kTotal), dt::i64), {1});
    tenon_value filled = l_.emit("Sub", {l_.emit("Add", {reshape(l_, cast(l_, need(l_, kLengths), dt::i64), {-1, 1}), l_.scalar<int64_t>(1)}), steps});
    past_ = l_.emit("Where", {l_.emit("Equal", {total, steps}), l_.scalar<int64_t>(0), filled});
    at_ = l_.emit("Add", {past_, positions(l_, steps)});
    keys_ = l_.has_in(kPastKey) ? l_.emit("Maximum", {total, dim(l_, l_.in(kPastKey), 2)}) : total;
  }
  tenon_value rotated(tenon_value x, int64_t heads) {
    tenon_value at = l_.has_in(kPositions) ? cast(l_, l_.in(kPositions), dt::i64) : at_;
    // What is rotated is twice as wide as the caches; where their width is not known the operator takes whole heads, and checks that.
    const ValueInfo cache = l_.info(need(l_, kCosines));
    AttrList a;
    a.add("num_heads", heads).add("interleaved", l_.i("rotary_interleaved", 0));
    if (cache.rank() == 2 && cache.dim(1) > 0) a.add("rotary_embedding_dim", 2 * cache.dim(1));
    return l_.emit("RotaryEmbedding", {x, l_.in(kCosines), need(l_, kSines), at}, a);
  }
  tenon_value by_head(tenon_value v, int64_t heads) { return transpose(l_, reshape(l_, v, {0, 0, heads, -1}), {0, 2, 1, 3}); }
  /// The cache with this step's rows in their places: [batch, heads, keys_, size].
  tenon_value cached(tenon_value now, uint64_t past) {
    tenon_value fresh = by_head(now, kv_heads_), steps = dim(l_, l_.in(kQuery), 1), key = positions(l_, keys_);
    tenon_value offset = l_.emit("Sub", {key, past_});  // [batch, keys]: place among this step's rows
    tenon_value is_new = l_.emit("LogicalAnd", {l_.emit("GreaterEqual", {offset, l_.scalar<int64_t>(0)}), l_.emit("Less", {offset, steps})});
    tenon_value old_length = l_.has_in(past) ? dim(l_, l_.in(past), 2) : l_.ints({0});
    tenon_value all = l_.has_in(past) ? concat(l_, {l_.in(past), fresh}, 2) : fresh;
    // Behind the end of both there is nothing: any row will do, it is masked.
    tenon_value old = l_.has_in(past) ? l_.emit("Minimum", {key, l_.emit("Sub", {old_length, l_.scalar<int64_t>(1)})}) : l_.scalar<int64_t>(0);
    tenon_value from = l_.emit("Where", {is_new, l_.emit("Add", {offset, old_length}), l_.emit("Maximum", {old, l_.scalar<int64_t>(0)})});
    tenon_value target = concat(l_, {dim(l_, fresh, 0), dim(l_, fresh, 1), keys_, dim(l_, fresh, 3)});
    return l_.emit("GatherElements", {all, l_.emit("Expand", {unsqueeze(l_, from, {1, 3}), target})}, AttrList{}.set("axis", 2));
  }
  /// True where query i sees key j: [batch, 1, queries, keys].
  tenon_value visible() {
    tenon_value at = unsqueeze(l_, at_, {1, 3}), key = positions(l_, keys_);
    tenon_value seen = l_.emit("LessEqual", {key, at});
    const int64_t window = l_.i("local_window_size", -1);
    if (window < 0) return seen;
    return l_.emit("LogicalAnd", {seen, l_.emit("GreaterEqual", {key, l_.emit("Sub", {at, l_.scalar<int64_t>(window - 1)})})});
  }

 public:
  explicit Step(Lower& l) : l_(l), heads_(l.i("num_heads", 0)), kv_heads_(l.i("kv_num_heads", 0)) {
    if (heads_ < 1 || kv_heads_ < 1) throw invalid("attributes 'num_heads' and 'kv_num_heads' must be positive");
    split();
    place();
  }
  void run() {
    if (l_.i("do_rotary", 0)) {
      q_ = rotated(q_, heads_);
      k_ = rotated(k_, kv_heads_);
    }
    tenon_value key = cached(k_, kPastKey), value = cached(v_, kPastValue), mask = visible();
    if (l_.has_in(kAttentionBias)) {
      const tenon_dtype t = type_of(l_, l_.in(kQuery));
      mask = l_.emit("Where", {mask, l_.in(kAttentionBias), l_.scalar_of(t, -std::numeric_limits<double>::infinity())});
    }
    AttrList a;
    if (l_.f("scale", 0) != 0) a.add("scale", l_.f("scale"));
    if (l_.f("softcap", 0) != 0) a.add("softcap", l_.f("softcap"));
    tenon_value y = l_.emit("Attention", {by_head(q_, heads_), key, value, mask}, a);
    l_.done({reshape(l_, transpose(l_, y, {0, 2, 1, 3}), {0, 0, -1}), key, value});
  }
};

void lower(Lower& l) {
  known(l, {"causal", "do_rotary", "k_quant_type", "kv_cache_bit_width", "kv_num_heads", "local_window_size", "num_heads", "qk_output", "rotary_interleaved", "scale", "smooth_softmax", "softcap", "v_quant_type"});
  arity(l, 7, 12, 4);
  refuse(l.i("causal", 1) != 1, "attribute causal = 0");
  refuse(l.i("smooth_softmax", 0) > 0, "smooth_softmax");
  refuse(l.i("qk_output", 0) != 0 || used(l, 3), "qk_output");
  for (const char* name : {"k_quant_type", "v_quant_type"}) refuse(l.has(name) && l.s(name) != "NONE", name, l.s(name));
  refuse(l.i("kv_cache_bit_width", 0) != 0, "kv_cache_bit_width");
  refuse_input(l, kSink, "head_sink");
  if (l.has_in(kPastKey) != l.has_in(kPastValue)) throw invalid("past_key and past_value belong together");
  Step(l).run();
}
TENON_LOWERING("com.microsoft", "GroupQueryAttention", 1, lower);

}  // namespace
}  // namespace tenon::contrib
