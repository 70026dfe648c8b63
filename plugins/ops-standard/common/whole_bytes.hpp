// SPDX-License-Identifier: Apache-2.0
// whole_bytes.hpp - sub-byte element types as the C++ type of their unpacked form (see raw.hpp), for kernels that compute.
#pragma once
#include "common/dispatch.hpp"
#include "common/raw.hpp"

namespace tenon::ops {

/// Every element type that stands for a number, unpacked.
using AllNumberTypes = Join<Join<NumericAndBoolTypes, MiniFloatTypes>, TypeList<f8e8m0_t, f4e2m1_t>>;

/// Element type of the unpacked form: i8 for i2 and i4, u8 for u2 and u4, itself otherwise. f4e2m1 unpacked is f4e2m1_t.
inline tenon_dtype whole_type(tenon_dtype t) {
  if (t.bits < 8 && t.code == TENON_DT_INT) return dt::i8;
  if (t.bits < 8 && t.code == TENON_DT_UINT) return dt::u8;
  return t;
}
/// Lowest and highest value of an integer type of at most 32 bits.
struct IntRange {
  int64_t low, high;
};
inline IntRange int_range(tenon_dtype t) {
  if (t.code == TENON_DT_UINT) return {0, (int64_t{1} << t.bits) - 1};
  return {-(int64_t{1} << (t.bits - 1)), (int64_t{1} << (t.bits - 1)) - 1};
}

}  // namespace tenon::ops
