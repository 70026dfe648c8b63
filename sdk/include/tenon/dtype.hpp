// SPDX-License-Identifier: Apache-2.0
// dtype.hpp - element types: constants, names and sizes.
#pragma once
#include "base.hpp"

TENON_NAMESPACE_BEGIN

inline constexpr bool operator==(tenon_dtype a, tenon_dtype b) {
  return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes && a.flags == b.flags;
}
inline constexpr bool operator!=(tenon_dtype a, tenon_dtype b) { return !(a == b); }

namespace dt {
inline constexpr tenon_dtype none{0, 0, 0, 0};
inline constexpr tenon_dtype f16{TENON_DT_FLOAT, 16, 1, 0}, f32{TENON_DT_FLOAT, 32, 1, 0}, f64{TENON_DT_FLOAT, 64, 1, 0};
inline constexpr tenon_dtype bf16{TENON_DT_BFLOAT, 16, 1, 0};
inline constexpr tenon_dtype i2{TENON_DT_INT, 2, 1, 0}, i4{TENON_DT_INT, 4, 1, 0}, i8{TENON_DT_INT, 8, 1, 0};
inline constexpr tenon_dtype i16{TENON_DT_INT, 16, 1, 0}, i32{TENON_DT_INT, 32, 1, 0}, i64{TENON_DT_INT, 64, 1, 0};
inline constexpr tenon_dtype u2{TENON_DT_UINT, 2, 1, 0}, u4{TENON_DT_UINT, 4, 1, 0}, u8{TENON_DT_UINT, 8, 1, 0};
inline constexpr tenon_dtype u16{TENON_DT_UINT, 16, 1, 0}, u32{TENON_DT_UINT, 32, 1, 0}, u64{TENON_DT_UINT, 64, 1, 0};
inline constexpr tenon_dtype boolean{TENON_DT_BOOL, 8, 1, 0}, string{TENON_DT_STRING, 128, 1, 0};
inline constexpr tenon_dtype c64{TENON_DT_COMPLEX, 64, 1, 0}, c128{TENON_DT_COMPLEX, 128, 1, 0};
inline constexpr tenon_dtype f8e4m3fn{TENON_DT_MINIFLOAT, 8, 1, TENON_MF_E4M3FN}, f8e4m3fnuz{TENON_DT_MINIFLOAT, 8, 1, TENON_MF_E4M3FNUZ};
inline constexpr tenon_dtype f8e5m2{TENON_DT_MINIFLOAT, 8, 1, TENON_MF_E5M2}, f8e5m2fnuz{TENON_DT_MINIFLOAT, 8, 1, TENON_MF_E5M2FNUZ};
inline constexpr tenon_dtype f8e8m0{TENON_DT_MINIFLOAT, 8, 1, TENON_MF_E8M0}, f4e2m1{TENON_DT_MINIFLOAT, 4, 1, TENON_MF_E2M1};
}  // namespace dt

struct DTypeName {
  const char* name;
  tenon_dtype type;
};
/// Every element type with the name that the text form and messages use.
inline const std::vector<DTypeName>& dtype_names() {
  static const std::vector<DTypeName> all = {
      {"f32", dt::f32}, {"f64", dt::f64}, {"f16", dt::f16}, {"bf16", dt::bf16}, {"i64", dt::i64}, {"i32", dt::i32}, {"i16", dt::i16},
      {"i8", dt::i8}, {"i4", dt::i4}, {"i2", dt::i2}, {"u64", dt::u64}, {"u32", dt::u32}, {"u16", dt::u16}, {"u8", dt::u8},
      {"u4", dt::u4}, {"u2", dt::u2}, {"bool", dt::boolean}, {"string", dt::string}, {"c64", dt::c64}, {"c128", dt::c128},
      {"f8e4m3fn", dt::f8e4m3fn}, {"f8e4m3fnuz", dt::f8e4m3fnuz}, {"f8e5m2", dt::f8e5m2}, {"f8e5m2fnuz", dt::f8e5m2fnuz},
      {"f8e8m0", dt::f8e8m0}, {"f4e2m1", dt::f4e2m1}, {"none", dt::none}};
  return all;
}
inline tenon_dtype element(tenon_dtype t) {
  t.flags &= 0xffu;
  if (t.flags == 0 && t.lanes > 1) t.lanes = 1;
  return t;
}
/// "f32", "seq(f32)", "optional(seq(i64))", "seq(map(string, f32))".
inline std::string dtype_name(tenon_dtype t) {
  std::string s = "?";
  tenon_dtype e = t;
  e.flags &= 0xffu;
  e.lanes = e.code == TENON_DT_NONE ? 0 : 1;
  for (const auto& d : dtype_names())
    if (d.type == e) s = d.name;
  if (t.flags & TENON_DTF_MAP) s = std::string("map(") + (t.lanes == 2 ? "string" : "i64") + ", " + s + ")";
  if (t.flags & TENON_DTF_SEQUENCE) s = "seq(" + s + ")";
  if (t.flags & TENON_DTF_OPTIONAL) s = "optional(" + s + ")";
  return s;
}
inline bool is_float(tenon_dtype t) { return t.code == TENON_DT_FLOAT || t.code == TENON_DT_BFLOAT || t.code == TENON_DT_MINIFLOAT; }
inline bool is_int(tenon_dtype t) { return t.code == TENON_DT_INT || t.code == TENON_DT_UINT; }
inline bool is_tensor(tenon_dtype t) { return (t.flags & ~0xffu) == 0; }
/// Bytes of n elements, sub-byte types packed.
inline uint64_t bytes_of(tenon_dtype t, uint64_t n) { return t.bits >= 8 ? n * (t.bits / 8u) : (n * t.bits + 7) / 8; }
inline int64_t count_of(const int64_t* dim, int32_t rank) {
  int64_t n = 1;
  for (int32_t i = 0; i < rank; ++i) n *= dim[i];
  return n;
}

/// Maps a C++ type to its element type.
template <class T> struct dtype_of;
template <> struct dtype_of<float> { static constexpr tenon_dtype value = dt::f32; };
template <> struct dtype_of<double> { static constexpr tenon_dtype value = dt::f64; };
template <> struct dtype_of<int8_t> { static constexpr tenon_dtype value = dt::i8; };
template <> struct dtype_of<int16_t> { static constexpr tenon_dtype value = dt::i16; };
template <> struct dtype_of<int32_t> { static constexpr tenon_dtype value = dt::i32; };
template <> struct dtype_of<int64_t> { static constexpr tenon_dtype value = dt::i64; };
template <> struct dtype_of<uint8_t> { static constexpr tenon_dtype value = dt::u8; };
template <> struct dtype_of<uint16_t> { static constexpr tenon_dtype value = dt::u16; };
template <> struct dtype_of<uint32_t> { static constexpr tenon_dtype value = dt::u32; };
template <> struct dtype_of<uint64_t> { static constexpr tenon_dtype value = dt::u64; };
template <> struct dtype_of<bool> { static constexpr tenon_dtype value = dt::boolean; };

TENON_NAMESPACE_END
