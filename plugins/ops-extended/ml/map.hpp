// SPDX-License-Identifier: Apache-2.0
// map.hpp - maps: at run time two tensors of one length, the keys (i64 or string) and the values, held like the items of a sequence.
#pragma once
#include "common/infer.hpp"

namespace tenon::ops {

inline tenon_dtype map_of(tenon_dtype key, tenon_dtype value) {
  value.flags |= TENON_DTF_MAP;
  value.lanes = key == dt::string ? 2 : 1;
  return value;
}
inline bool is_map(tenon_dtype t) { return (t.flags & ~0xffu) == TENON_DTF_MAP; }
inline tenon_dtype key_type(tenon_dtype map) { return map.lanes == 2 ? dt::string : dt::i64; }

inline void expect_map(const Tensor& t) {
  if (t.type() != dt::none && !is_map(t.type())) fail("the input is no map", "a map", dtype_name(t.type()));
}

/// Keys and values of a map that is there.
struct MapItems {
  Tensor keys, values;
  explicit MapItems(const Tensor& t) : keys(t.data<const tenon_tensor*>()[0]), values(t.data<const tenon_tensor*>()[1]) {
    if (keys.type() != key_type(t.type()) || keys.count() != values.count())
      throw invalid("a map has no value for each key, or keys of a wrong type").with("found", dtype_name(t.type()));
  }
};

}  // namespace tenon::ops
