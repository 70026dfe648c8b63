// SPDX-License-Identifier: Apache-2.0
#include "elementwise_simd.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "elementwise_simd.cpp"
#include <hwy/foreach_target.h>
// clang-format keeps this order: the instruction set's loop comes before what is compiled in it
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tenon::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// y[i] = f(x[i]) with a last partial vector through a buffer.
template <class F>
HWY_INLINE void map(const float* x, float* y, size_t n, F&& f) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, x + i)), d, y + i);
  if (i == n) return;
  HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)] = {};
  std::memcpy(rest, x + i, (n - i) * sizeof(float));
  hn::Store(f(hn::Load(d, rest)), d, rest);
  std::memcpy(y + i, rest, (n - i) * sizeof(float));
}

template <class F>
HWY_INLINE void map2(const float* x, const float* o, float* y, size_t n, F&& f) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, x + i), hn::LoadU(d, o + i)), d, y + i);
  if (i == n) return;
  HWY_ALIGN float a[HWY_MAX_BYTES / sizeof(float)] = {};
  HWY_ALIGN float b[HWY_MAX_BYTES / sizeof(float)] = {};
  std::memcpy(a, x + i, (n - i) * sizeof(float));
  std::memcpy(b, o + i, (n - i) * sizeof(float));
  hn::Store(f(hn::Load(d, a), hn::Load(d, b)), d, a);
  std::memcpy(y + i, a, (n - i) * sizeof(float));
}

HWY_INLINE V max_nan(V a, V b) { return hn::IfThenElse(hn::IsNaN(a), a, hn::IfThenElse(hn::IsNaN(b), b, hn::Max(a, b))); }
HWY_INLINE V min_nan(V a, V b) { return hn::IfThenElse(hn::IsNaN(a), a, hn::IfThenElse(hn::IsNaN(b), b, hn::Min(a, b))); }

void Unary1(const Activation& f, const float* x, float* y, size_t n) {
  const D d;
  const V zero = hn::Zero(d), one = hn::Set(d, 1.0f), half = hn::Set(d, 0.5f), a = hn::Set(d, f.a), b = hn::Set(d, f.b);
  switch (f.kind) {
    case Unary::relu: return map(x, y, n, [&](V v) { return hn::IfThenElse(hn::Lt(v, zero), zero, v); });
    case Unary::leaky_relu: return map(x, y, n, [&](V v) { return hn::IfThenElse(hn::Lt(v, zero), hn::Mul(v, a), v); });
    case Unary::elu: return map(x, y, n, [&](V v) { return hn::IfThenElse(hn::Lt(v, zero), hn::Mul(a, hn::Expm1(d, hn::Max(v, hn::Set(d, -100.0f)))), v); });
    case Unary::sigmoid: return map(x, y, n, [&](V v) { return sigmoid(d, v); });
    case Unary::tanh: return map(x, y, n, [&](V v) { return tanh(d, v); });
    case Unary::hard_swish:
      return map(x, y, n, [&](V v) { return hn::Mul(v, hn::Max(hn::Min(hn::MulAdd(v, hn::Set(d, 1.0f / 6), half), one), zero)); });
    case Unary::hard_sigmoid: return map(x, y, n, [&](V v) { return keep_nan(v, hn::Max(hn::Min(hn::MulAdd(v, a, b), one), zero)); });
    case Unary::swish: return map(x, y, n, [&](V v) { return hn::Mul(v, sigmoid(d, hn::Mul(v, a))); });
    case Unary::gelu_erf:
      return map(x, y, n, [&](V v) {
        const V h = hn::Mul(v, half);
        return hn::MulAdd(h, erf(d, hn::Mul(v, hn::Set(d, 0.70710678f))), h);
      });
    case Unary::gelu_tanh:
      return map(x, y, n, [&](V v) {
        const V h = hn::Mul(v, half), cube = hn::Mul(hn::Mul(v, v), v);
        const V t = tanh(d, hn::Mul(hn::Set(d, 0.7978845608f), hn::MulAdd(cube, hn::Set(d, 0.044715f), v)));
        return hn::MulAdd(h, t, h);
      });
    case Unary::clip: return map(x, y, n, [&](V v) { return keep_nan(v, hn::Min(hn::Max(v, a), b)); });
    case Unary::abs: return map(x, y, n, [&](V v) { return hn::Abs(v); });
    case Unary::sqrt: return map(x, y, n, [&](V v) { return hn::Sqrt(v); });
    case Unary::neg: return map(x, y, n, [&](V v) { return hn::Neg(v); });
    case Unary::exp: return map(x, y, n, [&](V v) { return exp(d, v); });
    case Unary::erf: return map(x, y, n, [&](V v) { return erf(d, v); });
    case Unary::reciprocal: return map(x, y, n, [&](V v) { return hn::Div(one, v); });
    case Unary::rsqrt: return map(x, y, n, [&](V v) { return hn::Div(one, hn::Sqrt(v)); });
    case Unary::floor: return map(x, y, n, [&](V v) { return hn::Floor(v); });
    case Unary::ceil: return map(x, y, n, [&](V v) { return hn::Ceil(v); });
    case Unary::round: return map(x, y, n, [&](V v) { return hn::Round(v); });
    case Unary::sign:
      return map(x, y, n, [&](V v) { return keep_nan(v, hn::IfThenElse(hn::Lt(v, zero), hn::Neg(one), hn::IfThenElse(hn::Gt(v, zero), one, zero))); });
    case Unary::softplus:
      return map(x, y, n, [&](V v) { return keep_nan(v, hn::Add(hn::Max(v, zero), hn::Log1p(d, exp(d, hn::Neg(hn::Abs(v)))))); });
    case Unary::square: return map(x, y, n, [&](V v) { return hn::Mul(v, v); });
    case Unary::affine: return map(x, y, n, [&](V v) { return hn::MulAdd(v, a, b); });
    case Unary::fake_quantize: {
      const V low = hn::Set(d, f.c - f.b), high = hn::Set(d, f.d - f.b);
      return map(x, y, n, [&](V v) {
        const V q = hn::Round(hn::Div(v, a));
        // NaN counts as the zero point.
        return hn::Mul(hn::Max(hn::Min(hn::IfThenElse(hn::IsNaN(q), zero, q), high), low), a);
      });
    }
    // Rare, and their edge cases many: the C library's.
    case Unary::log:
      for (size_t i = 0; i < n; ++i) y[i] = std::log(x[i]);
      return;
    case Unary::sin:
      for (size_t i = 0; i < n; ++i) y[i] = std::sin(x[i]);
      return;
    case Unary::cos:
      for (size_t i = 0; i < n; ++i) y[i] = std::cos(x[i]);
      return;
  }
}

template <class F>
HWY_INLINE void binary(bool scalar, const float* x, const float* o, float* y, size_t n, F&& f) {
  if (!scalar) return map2(x, o, y, n, f);
  const V s = hn::Set(D(), *o);
  map(x, y, n, [&](V v) { return f(v, s); });
}

void Binary1(Binary kind, bool scalar, const float* x, const float* o, float* y, size_t n) {
  const D d;
  switch (kind) {
    case Binary::add: return binary(scalar, x, o, y, n, [](V a, V b) { return hn::Add(a, b); });
    case Binary::sub: return binary(scalar, x, o, y, n, [](V a, V b) { return hn::Sub(a, b); });
    case Binary::rsub: return binary(scalar, x, o, y, n, [](V a, V b) { return hn::Sub(b, a); });
    case Binary::mul: return binary(scalar, x, o, y, n, [](V a, V b) { return hn::Mul(a, b); });
    case Binary::div: return binary(scalar, x, o, y, n, [](V a, V b) { return hn::Div(a, b); });
    case Binary::rdiv: return binary(scalar, x, o, y, n, [](V a, V b) { return hn::Div(b, a); });
    case Binary::max: return binary(scalar, x, o, y, n, [](V a, V b) { return max_nan(a, b); });
    case Binary::min: return binary(scalar, x, o, y, n, [](V a, V b) { return min_nan(a, b); });
    case Binary::prelu: return binary(scalar, x, o, y, n, [&](V a, V b) { return hn::IfThenElse(hn::Lt(a, hn::Zero(d)), hn::Mul(a, b), a); });
    case Binary::pow:
      for (size_t i = 0; i < n; ++i) y[i] = std::pow(x[i], o[scalar ? 0 : i]);
      return;
    case Binary::rpow:
      for (size_t i = 0; i < n; ++i) y[i] = std::pow(o[scalar ? 0 : i], x[i]);
      return;
  }
}

/// Combines f(x[i]) over all i; `none` is the start value.
template <class F, class G>
HWY_INLINE V reduce(const float* x, size_t n, float none, F&& f, G&& combine) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  V a = hn::Set(d, none), b = a;
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    a = combine(a, f(hn::LoadU(d, x + i)));
    b = combine(b, f(hn::LoadU(d, x + i + lanes)));
  }
  if (i + lanes <= n) {
    a = combine(a, f(hn::LoadU(d, x + i)));
    i += lanes;
  }
  if (i < n) {
    HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)] = {};
    std::memcpy(rest, x + i, (n - i) * sizeof(float));
    const auto in = hn::FirstN(d, n - i);
    b = combine(b, hn::IfThenElse(in, f(hn::Load(d, rest)), hn::Set(d, none)));
  }
  return combine(a, b);
}

float ExpSum(const float* x, float shift, float* y, size_t n) {
  const D d;
  const V s = hn::Set(d, shift);
  map(x, y, n, [&](V v) { return exp(d, hn::Sub(v, s)); });
  return hn::GetLane(hn::SumOfLanes(d, reduce(y, n, 0.0f, [](V v) { return v; }, [](V a, V b) { return hn::Add(a, b); })));
}
float MaxOf(const float* x, size_t n) {
  const D d;
  const V m = reduce(x, n, -INFINITY, [](V v) { return v; }, [](V a, V b) { return max_nan(a, b); });
  HWY_ALIGN float lane[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(m, d, lane);
  float r = lane[0];
  for (size_t i = 1; i < hn::Lanes(d); ++i) r = std::isnan(r) ? r : std::isnan(lane[i]) ? lane[i] : std::max(r, lane[i]);
  return r;
}
float SumOf(const float* x, size_t n) {
  return hn::GetLane(hn::SumOfLanes(D(), reduce(x, n, 0.0f, [](V v) { return v; }, [](V a, V b) { return hn::Add(a, b); })));
}
float SquareSum(const float* x, float shift, size_t n) {
  const D d;
  const V s = hn::Set(d, shift);
  auto f = [&](V v) {
    const V c = hn::Sub(v, s);
    return hn::Mul(c, c);
  };
  return hn::GetLane(hn::SumOfLanes(d, reduce(x, n, 0.0f, f, [](V a, V b) { return hn::Add(a, b); })));
}
void ScaleShift(const float* x, float scale, float shift, const float* gain, const float* bias, float* y, size_t n) {
  const D d;
  const V a = hn::Set(d, scale), b = hn::Set(d, shift);
  if (!gain) {
    map(x, y, n, [&](V v) { return hn::MulAdd(v, a, b); });
  } else {
    map2(x, gain, y, n, [&](V v, V g) { return hn::Mul(hn::MulAdd(v, a, b), g); });
  }
  if (bias) map2(y, bias, y, n, [](V v, V s) { return hn::Add(v, s); });
}
/// Nearest integer, halves away from zero.
HWY_INLINE V round_away(V x) {
  const D d;
  const V whole = hn::Trunc(x), far = hn::Abs(hn::Sub(x, whole));
  return hn::IfThenElse(hn::Ge(far, hn::Set(d, 0.5f)), hn::Add(whole, hn::CopySign(hn::Set(d, 1.0f), x)), whole);
}

template <class T>
void quantize(const float* x, float scale, float zero_point, bool away, float low, float high, T* y, size_t n) {
  const D d;
  const V s = hn::Set(d, scale), z = hn::Set(d, zero_point), a = hn::Set(d, low), b = hn::Set(d, high);
  float part[256];
  for (size_t at = 0; at < n; at += 256) {
    const size_t count = std::min<size_t>(256, n - at);
    map(x + at, part, count, [&](V v) {
      const V x = hn::Div(v, s), q = away ? round_away(x) : hn::Round(x);
      return hn::Max(hn::Min(hn::Add(hn::IfThenElse(hn::IsNaN(q), hn::Zero(d), q), z), b), a);
    });
    for (size_t i = 0; i < count; ++i) y[at + i] = static_cast<T>(static_cast<int32_t>(part[i]));
  }
}
void QuantizeU8(const float* x, float scale, float zero_point, bool away, uint8_t* y, size_t n) { quantize(x, scale, zero_point, away, 0.0f, 255.0f, y, n); }
void QuantizeI8(const float* x, float scale, float zero_point, bool away, int8_t* y, size_t n) { quantize(x, scale, zero_point, away, -128.0f, 127.0f, y, n); }
void Lerp(const float* a, const float* b, float share, float* y, size_t n) {
  const V w = hn::Set(D(), share);
  map2(a, b, y, n, [&](V u, V v) { return hn::MulAdd(hn::Sub(v, u), w, u); });
}
void Accumulate(bool maximum, const float* x, float* acc, size_t n) {
  if (maximum) return map2(acc, x, acc, n, [](V a, V b) { return max_nan(a, b); });
  map2(acc, x, acc, n, [](V a, V b) { return hn::Add(a, b); });
}

}  // namespace HWY_NAMESPACE
}  // namespace tenon::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tenon::cpu {
HWY_EXPORT(Unary1);
HWY_EXPORT(Binary1);
HWY_EXPORT(ExpSum);
HWY_EXPORT(MaxOf);
HWY_EXPORT(SumOf);
HWY_EXPORT(SquareSum);
HWY_EXPORT(ScaleShift);
HWY_EXPORT(Accumulate);
HWY_EXPORT(Lerp);
HWY_EXPORT(QuantizeU8);
HWY_EXPORT(QuantizeI8);

void apply_unary(const Activation& f, const float* x, float* y, size_t n) { HWY_DYNAMIC_DISPATCH(Unary1)(f, x, y, n); }
void apply_binary(Binary kind, bool scalar, const float* x, const float* o, float* y, size_t n) { HWY_DYNAMIC_DISPATCH(Binary1)(kind, scalar, x, o, y, n); }
float exp_sum(const float* x, float shift, float* y, size_t n) { return HWY_DYNAMIC_DISPATCH(ExpSum)(x, shift, y, n); }
float max_of(const float* x, size_t n) { return HWY_DYNAMIC_DISPATCH(MaxOf)(x, n); }
float sum_of(const float* x, size_t n) { return HWY_DYNAMIC_DISPATCH(SumOf)(x, n); }
float square_sum(const float* x, float shift, size_t n) { return HWY_DYNAMIC_DISPATCH(SquareSum)(x, shift, n); }
void scale_shift(const float* x, float scale, float shift, const float* gain, const float* bias, float* y, size_t n) {
  HWY_DYNAMIC_DISPATCH(ScaleShift)(x, scale, shift, gain, bias, y, n);
}
void lerp(const float* a, const float* b, float share, float* y, size_t n) { HWY_DYNAMIC_DISPATCH(Lerp)(a, b, share, y, n); }
void quantize_u8(const float* x, float scale, float zero_point, bool away, uint8_t* y, size_t n) { HWY_DYNAMIC_DISPATCH(QuantizeU8)(x, scale, zero_point, away, y, n); }
void quantize_i8(const float* x, float scale, float zero_point, bool away, int8_t* y, size_t n) { HWY_DYNAMIC_DISPATCH(QuantizeI8)(x, scale, zero_point, away, y, n); }
void accumulate(bool maximum, const float* x, float* acc, size_t n) { HWY_DYNAMIC_DISPATCH(Accumulate)(maximum, x, acc, n); }
}  // namespace tenon::cpu
#endif
