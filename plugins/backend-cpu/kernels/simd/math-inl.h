// SPDX-License-Identifier: Apache-2.0
// math-inl.h - elementary functions on Highway vectors of floats; included once for each instruction set.
#if defined(TENON_CPU_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TENON_CPU_MATH_INL_H
#undef TENON_CPU_MATH_INL_H
#else
#define TENON_CPU_MATH_INL_H
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tenon::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class V> HWY_INLINE V keep_nan(V x, V y) { return hn::IfThenElse(hn::IsNaN(x), x, y); }

/// x = n ln 2 + r, polynomial in r (Cephes expf), scaled by 2^n in two steps so that denormals and infinity come out right.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V c = hn::Max(hn::Min(x, hn::Set(d, 89.0f)), hn::Set(d, -104.0f));
  const V n = hn::Round(hn::Mul(c, hn::Set(d, 1.44269504f)));
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), c);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  V p = hn::Set(d, 1.9875691500e-4f);
  p = hn::MulAdd(p, r, hn::Set(d, 1.3981999507e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 8.3334519073e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 4.1665795894e-2f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.6666665459e-1f));
  p = hn::MulAdd(p, r, hn::Set(d, 5.0000001201e-1f));
  p = hn::MulAdd(p, hn::Mul(r, r), hn::Add(r, hn::Set(d, 1.0f)));
  const auto i = hn::ConvertTo(di, n);
  const auto half = hn::ShiftRight<1>(i);
  const auto bias = hn::Set(di, 127);
  const V a = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(half, bias)));
  const V b = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::Sub(i, half), bias)));
  return keep_nan(x, hn::Mul(hn::Mul(p, a), b));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, exp(d, hn::Neg(x))));
}

/// Rational approximation on [-9, 9] (as in Eigen's ptanh); beyond, tanh is 1 in float.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V tanh(D d, V x) {
  const V c = hn::Max(hn::Min(x, hn::Set(d, 7.90531110763549805f)), hn::Set(d, -7.90531110763549805f));
  const V z = hn::Mul(c, c);
  V p = hn::Set(d, -2.76076847742355e-16f);
  p = hn::MulAdd(p, z, hn::Set(d, 2.00018790482477e-13f));
  p = hn::MulAdd(p, z, hn::Set(d, -8.60467152213735e-11f));
  p = hn::MulAdd(p, z, hn::Set(d, 5.12229709037114e-08f));
  p = hn::MulAdd(p, z, hn::Set(d, 1.48572235717979e-05f));
  p = hn::MulAdd(p, z, hn::Set(d, 6.37261928875436e-04f));
  p = hn::MulAdd(p, z, hn::Set(d, 4.89352455891786e-03f));
  V q = hn::Set(d, 1.19825839466702e-06f);
  q = hn::MulAdd(q, z, hn::Set(d, 1.18534705686654e-04f));
  q = hn::MulAdd(q, z, hn::Set(d, 2.26843463243900e-03f));
  q = hn::MulAdd(q, z, hn::Set(d, 4.89352518554385e-03f));
  const V y = hn::Div(hn::Mul(c, p), q);
  const V small = hn::IfThenElse(hn::Lt(hn::Abs(x), hn::Set(d, 4e-4f)), x, y);
  return keep_nan(x, small);
}

/// Rational approximation on [-4, 4] (as in Eigen's erf); beyond, erf is 1 in float.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V erf(D d, V x) {
  const V c = hn::Max(hn::Min(x, hn::Set(d, 4.0f)), hn::Set(d, -4.0f));
  const V z = hn::Mul(c, c);
  V p = hn::Set(d, -2.72614225801306e-10f);
  p = hn::MulAdd(p, z, hn::Set(d, 2.77068142495902e-08f));
  p = hn::MulAdd(p, z, hn::Set(d, -2.10102402082508e-06f));
  p = hn::MulAdd(p, z, hn::Set(d, -5.69250639462346e-05f));
  p = hn::MulAdd(p, z, hn::Set(d, -7.34990630326855e-04f));
  p = hn::MulAdd(p, z, hn::Set(d, -2.95459980854025e-03f));
  p = hn::MulAdd(p, z, hn::Set(d, -1.60960333262415e-02f));
  V q = hn::Set(d, -1.45660718464996e-05f);
  q = hn::MulAdd(q, z, hn::Set(d, -2.13374055278905e-04f));
  q = hn::MulAdd(q, z, hn::Set(d, -1.68282697438203e-03f));
  q = hn::MulAdd(q, z, hn::Set(d, -7.37332916720468e-03f));
  q = hn::MulAdd(q, z, hn::Set(d, -1.42647390514189e-02f));
  return keep_nan(x, hn::Div(hn::Mul(c, p), q));
}

}  // namespace HWY_NAMESPACE
}  // namespace tenon::cpu
HWY_AFTER_NAMESPACE();
#endif
