// SPDX-License-Identifier: Apache-2.0
#include "attention_mask.hpp"

namespace tenon::contrib {
namespace {

/// Positions as [batch, steps]: given, or a single offset that all rows start from.
tenon_value all_positions(Lower& l, int32_t steps_axis) {
  tenon_value at = cast(l, need(l, 1), dt::i64);
  const int32_t rank = rank_of(l, l.in(1), "the positions");
  if (rank == 2) return at;
  if (rank != 1) throw invalid("the positions have a wrong rank").with("expected", "1 or 2").with("found", std::to_string(rank));
  tenon_value steps = dim(l, l.in(0), steps_axis);
  return l.emit("Expand", {l.emit("Add", {at, positions(l, steps)}), concat(l, {dim(l, l.in(0), 0), steps})});
}

/// Size of a head where the number of heads is not given: the caches are half as wide.
int64_t head_size(Lower& l) {
  const ValueInfo cache = l.info(need(l, 2));
  if (cache.rank() != 2 || cache.dim(1) < 1) throw unsupported("the number of heads is not given, and the width of the caches is not known");
  return 2 * cache.dim(1);
}

void lower(Lower& l) {
  known(l, {"interleaved", "is_packed_batching", "num_heads", "rotary_embedding_dim", "scale"});
  arity(l, 4, 4);
  refuse(l.i("is_packed_batching", 0) != 0, "is_packed_batching");
  refuse(l.f("scale", 1) != 1, "a scale other than 1");
  const int32_t rank = rank_of(l, need(l, 0), "the input");
  if (rank != 3 && rank != 4) throw invalid("the input has a wrong rank").with("expected", "3 or 4").with("found", std::to_string(rank));
  AttrList a = copied(l, {"interleaved"});
  if (l.i("rotary_embedding_dim", 0) > 0) a.add("rotary_embedding_dim", l.i("rotary_embedding_dim"));
  const bool by_size = rank == 3 && l.i("num_heads", 0) <= 0;
  if (rank == 3 && !by_size) a.add("num_heads", l.i("num_heads"));
  tenon_value x = by_size ? transpose(l, reshape(l, l.in(0), {0, 0, -1, head_size(l)}), {0, 2, 1, 3}) : l.in(0);
  tenon_value y = l.emit("RotaryEmbedding", {x, need(l, 2), need(l, 3), all_positions(l, rank == 3 ? 1 : 2)}, a);
  l.done({by_size ? reshape(l, transpose(l, y, {0, 2, 1, 3}), {0, 0, -1}) : y});
}
TENON_LOWERING("com.microsoft", "RotaryEmbedding", 1, lower);

}  // namespace
}  // namespace tenon::contrib
