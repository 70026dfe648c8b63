// SPDX-License-Identifier: Apache-2.0
// dispatch.hpp - from an element type to a C++ type.
//
//   visit<NumericTypes>(node.in(0).type(), [&]<class T>(Tag<T>) { kernel<T>(node); });
#pragma once
#include "common/elements.hpp"

namespace tenon::ops {

template <class T> using Tag = std::type_identity<T>;
template <class... T> struct TypeList {};
template <class A, class B> struct Joined;
template <class... A, class... B> struct Joined<TypeList<A...>, TypeList<B...>> { using type = TypeList<A..., B...>; };
template <class A, class B> using Join = typename Joined<A, B>::type;

/// Element type of a C++ type, narrow floats included.
template <class T>
constexpr tenon_dtype dtype_for() {
  if constexpr (std::is_same_v<T, f16_t>) return dt::f16;
  else if constexpr (std::is_same_v<T, bf16_t>) return dt::bf16;
  else if constexpr (std::is_same_v<T, f8e4m3fn_t>) return dt::f8e4m3fn;
  else if constexpr (std::is_same_v<T, f8e4m3fnuz_t>) return dt::f8e4m3fnuz;
  else if constexpr (std::is_same_v<T, f8e5m2_t>) return dt::f8e5m2;
  else if constexpr (std::is_same_v<T, f8e5m2fnuz_t>) return dt::f8e5m2fnuz;
  else if constexpr (std::is_same_v<T, f8e8m0_t>) return dt::f8e8m0;
  else if constexpr (std::is_same_v<T, f4e2m1_t>) return dt::f4e2m1;
  else return dtype_of<T>::value;
}

using WideFloatTypes = TypeList<float, double>;
/// The floats that arithmetic is defined on.
using FloatTypes = TypeList<float, double, f16_t, bf16_t>;
using MiniFloatTypes = TypeList<f8e4m3fn_t, f8e4m3fnuz_t, f8e5m2_t, f8e5m2fnuz_t>;
using SignedTypes = TypeList<int8_t, int16_t, int32_t, int64_t>;
using UnsignedTypes = TypeList<uint8_t, uint16_t, uint32_t, uint64_t>;
using IntTypes = Join<SignedTypes, UnsignedTypes>;
using IndexTypes = TypeList<int32_t, int64_t>;
using BoolTypes = TypeList<bool>;
/// Floats with arithmetic and all whole-byte integers.
using NumericTypes = Join<FloatTypes, IntTypes>;
using SignedNumericTypes = Join<FloatTypes, SignedTypes>;
using NumericAndBoolTypes = Join<NumericTypes, BoolTypes>;

[[noreturn]] inline void fail_type(tenon_dtype t) {
  throw unsupported("the reference kernel has no code for this element type").with("found", dtype_name(t));
}

/// Calls f(Tag<T>{}) for the type T of the list whose element type is t.
template <class... T, class F>
void visit_list(TypeList<T...>, tenon_dtype t, F&& f) {
  const bool done = ((t == dtype_for<T>() ? (f(Tag<T>{}), true) : false) || ...);
  if (!done) fail_type(t);
}
template <class List, class F>
void visit(tenon_dtype t, F&& f) {
  visit_list(List{}, t, std::forward<F>(f));
}
template <class... T>
constexpr bool list_holds(TypeList<T...>, tenon_dtype t) {
  return ((t == dtype_for<T>()) || ...);
}

}  // namespace tenon::ops
