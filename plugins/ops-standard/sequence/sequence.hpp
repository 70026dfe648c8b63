// SPDX-License-Identifier: Apache-2.0
// sequence.hpp - sequences of tensors: their types, and access to their items. A sequence's only dimension is its length.
#pragma once
#include "common/infer.hpp"

namespace tenon::ops {

inline tenon_dtype sequence_of(tenon_dtype item) {
  item.flags |= TENON_DTF_SEQUENCE;
  return item;
}
inline tenon_dtype item_of(tenon_dtype sequence) {
  sequence.flags &= ~TENON_DTF_SEQUENCE;
  return sequence;
}
inline void expect_sequence(const Tensor& t) {
  if (t.type() != dt::none && !(t.type().flags & TENON_DTF_SEQUENCE)) fail("the input is no sequence", "a sequence", dtype_name(t.type()));
}
/// Number of items while inferring: a number, a symbol or unknown.
inline int64_t inferred_length(const Tensor& t) { return t.has_rank() && t.rank() == 1 ? t.dim(0) : kUnknown; }

/// Items of a sequence that is there.
inline std::vector<const tenon_tensor*> sequence_items(const Tensor& t) {
  const auto* p = t.data<const tenon_tensor*>();
  return std::vector<const tenon_tensor*>(p, p + t.dim(0));
}
/// Position in [0, count); negative counts from the end.
inline size_t item_position(const Node& node, uint32_t k, int64_t count) {
  const auto v = node.in(k).ints();
  if (v.size() != 1) fail("a position must be one number", "1 element", std::to_string(v.size()));
  return static_cast<size_t>(normalize_axis(v[0], count, "a position in a sequence"));
}

}  // namespace tenon::ops
