// SPDX-License-Identifier: Apache-2.0
// optional.hpp - optionals: their types, and values that differ from others by their type only.
#pragma once
#include "common/infer.hpp"

namespace tenon::ops {

inline tenon_dtype optional_of(tenon_dtype item) {
  if (item != dt::none) item.flags |= TENON_DTF_OPTIONAL;
  return item;
}
inline tenon_dtype item_of_optional(tenon_dtype optional) {
  optional.flags &= ~TENON_DTF_OPTIONAL;
  return optional;
}
/// Is there something in it? A value that is no optional always is.
inline bool is_present(const Tensor& t) { return t && t.raw()->rank != TENON_RANK_UNKNOWN; }

/// Type of output k of the same shape as input j.
inline void set_out_as(const Node& node, uint32_t k, uint32_t j, tenon_dtype type) {
  if (node.in(j).has_rank()) node.set_out(k, type, node.in(j).dims());
  else node.set_out_unranked(k, type);
}
/// Output k has the contents of t under another type.
inline void alias_as(const Node& node, uint32_t k, const tenon_tensor* t, tenon_dtype type) {
  tenon_tensor same = *t;
  same.struct_size = sizeof same;
  same.type = type;
  node.alias_out(k, &same);
}

}  // namespace tenon::ops
