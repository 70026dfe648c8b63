// SPDX-License-Identifier: Apache-2.0
#include "attention_mask.hpp"

namespace tenon::contrib {

tenon_value positions(Lower& l, tenon_value n) { return l.emit("Range", {l.scalar<int64_t>(0), reshape(l, n, {}), l.scalar<int64_t>(1)}); }

namespace {

/// True where a key counts, from its end (and start, else 0) in each row of the batch: [batch, 1, 1, keys].
tenon_value within(Lower& l, const MaskInputs& in) {
  tenon_value rows = l.emit("Reshape", {cast(l, in.mask, dt::i64), concat(l, {l.ints({-1}), dim(l, l.in(0), 0)})});
  tenon_value end = slice(l, rows, 0, 0, 1), zero = l.emit("Mul", {end, l.scalar<int64_t>(0)});
  tenon_value start = reduce(l, "ReduceMax", concat(l, {zero, slice(l, rows, 0, 1, 2)}), {0});
  tenon_value at = positions(l, in.total);
  return l.emit("LogicalAnd", {l.emit("Less", {at, reshape(l, end, {-1, 1, 1, 1})}), l.emit("GreaterEqual", {at, reshape(l, start, {-1, 1, 1, 1})})});
}

tenon_value counted(Lower& l, const MaskInputs& in) {
  const int32_t rank = rank_of(l, in.mask, "the mask");
  if (rank == 1) return within(l, in);
  if (rank != 2 && rank != 3) throw unsupported("a mask of this rank is not supported").with("expected", "1 to 3").with("found", std::to_string(rank));
  tenon_value on = l.emit("Greater", {cast(l, in.mask, dt::i32), l.scalar<int32_t>(0)});
  return unsqueeze(l, on, rank == 2 ? std::vector<int64_t>{1, 2} : std::vector<int64_t>{1});
}

}  // namespace

tenon_value attention_bias(Lower& l, const MaskInputs& in, tenon_dtype type) {
  if (!in.mask) return in.bias;
  tenon_value mask = l.emit("Where", {counted(l, in), l.scalar_of(type, 0), l.scalar_of(type, l.f("mask_filter_value", -10000))});
  return in.bias ? l.emit("Add", {mask, in.bias}) : mask;
}

}  // namespace tenon::contrib
