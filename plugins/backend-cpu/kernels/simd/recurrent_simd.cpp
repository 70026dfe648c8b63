// SPDX-License-Identifier: Apache-2.0
#include "recurrent_simd.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "recurrent_simd.cpp"
#include <hwy/foreach_target.h>
// clang-format keeps this order: the instruction set's loop comes before what is compiled in it
#include <hwy/highway.h>

#include "math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tenon::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, kUnits>;
using V = hn::Vec<D>;

/// Two sums for each vector, so that additions of one need not wait for the other.
template <int kGates>
HWY_INLINE void product(const float* packed, const float* h, int64_t k, float* out) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  for (size_t u = 0; u < static_cast<size_t>(kUnits); u += lanes) {
    V a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    const float* p = packed + u;
    int64_t i = 0;
    for (; i + 2 <= k; i += 2, p += 2 * kGates * kUnits) {
      const V x = hn::Set(d, h[i]), y = hn::Set(d, h[i + 1]);
      const float* q = p + kGates * kUnits;
      a0 = hn::MulAdd(x, hn::LoadU(d, p), a0);
      b0 = hn::MulAdd(y, hn::LoadU(d, q), b0);
      if (kGates > 1) {
        a1 = hn::MulAdd(x, hn::LoadU(d, p + kUnits), a1);
        b1 = hn::MulAdd(y, hn::LoadU(d, q + kUnits), b1);
      }
      if (kGates > 2) {
        a2 = hn::MulAdd(x, hn::LoadU(d, p + 2 * kUnits), a2);
        b2 = hn::MulAdd(y, hn::LoadU(d, q + 2 * kUnits), b2);
      }
      if (kGates > 3) {
        a3 = hn::MulAdd(x, hn::LoadU(d, p + 3 * kUnits), a3);
        b3 = hn::MulAdd(y, hn::LoadU(d, q + 3 * kUnits), b3);
      }
    }
    if (i < k) {
      const V x = hn::Set(d, h[i]);
      a0 = hn::MulAdd(x, hn::LoadU(d, p), a0);
      if (kGates > 1) a1 = hn::MulAdd(x, hn::LoadU(d, p + kUnits), a1);
      if (kGates > 2) a2 = hn::MulAdd(x, hn::LoadU(d, p + 2 * kUnits), a2);
      if (kGates > 3) a3 = hn::MulAdd(x, hn::LoadU(d, p + 3 * kUnits), a3);
    }
    hn::StoreU(hn::Add(a0, b0), d, out + u);
    if (kGates > 1) hn::StoreU(hn::Add(a1, b1), d, out + kUnits + u);
    if (kGates > 2) hn::StoreU(hn::Add(a2, b2), d, out + 2 * kUnits + u);
    if (kGates > 3) hn::StoreU(hn::Add(a3, b3), d, out + 3 * kUnits + u);
  }
}

void PanelProduct(int gates, const float* packed, const float* h, int64_t k, float* out) {
  switch (gates) {
    case 1: return product<1>(packed, h, k, out);
    case 2: return product<2>(packed, h, k, out);
    case 3: return product<3>(packed, h, k, out);
    default: return product<4>(packed, h, k, out);
  }
}

void LstmCell(const float* sums, float* c, float* h) {
  const D d;
  for (size_t u = 0; u < static_cast<size_t>(kUnits); u += hn::Lanes(d)) {
    const V i = sigmoid(d, hn::LoadU(d, sums + u)), o = sigmoid(d, hn::LoadU(d, sums + kUnits + u));
    const V f = sigmoid(d, hn::LoadU(d, sums + 2 * kUnits + u)), g = tanh(d, hn::LoadU(d, sums + 3 * kUnits + u));
    const V next = hn::MulAdd(f, hn::LoadU(d, c + u), hn::Mul(i, g));
    hn::StoreU(next, d, c + u);
    hn::StoreU(hn::Mul(o, tanh(d, next)), d, h + u);
  }
}

void GruGates(float* sums) {
  const D d;
  for (size_t u = 0; u < static_cast<size_t>(2 * kUnits); u += hn::Lanes(d)) hn::StoreU(sigmoid(d, hn::LoadU(d, sums + u)), d, sums + u);
}

void GruUpdate(const float* z, const float* n, float* h) {
  const D d;
  for (size_t u = 0; u < static_cast<size_t>(kUnits); u += hn::Lanes(d)) {
    const V t = tanh(d, hn::LoadU(d, n + u));
    hn::StoreU(hn::MulAdd(hn::LoadU(d, z + u), hn::Sub(hn::LoadU(d, h + u), t), t), d, h + u);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tenon::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tenon::cpu {
HWY_EXPORT(PanelProduct);
HWY_EXPORT(LstmCell);
HWY_EXPORT(GruGates);
HWY_EXPORT(GruUpdate);

void panel_product(int gates, const float* packed, const float* h, int64_t k, float* out) { HWY_DYNAMIC_DISPATCH(PanelProduct)(gates, packed, h, k, out); }
void lstm_cell(const float* sums, float* c, float* h) { HWY_DYNAMIC_DISPATCH(LstmCell)(sums, c, h); }
void gru_gates(float* sums) { HWY_DYNAMIC_DISPATCH(GruGates)(sums); }
void gru_update(const float* z, const float* n, float* h) { HWY_DYNAMIC_DISPATCH(GruUpdate)(z, n, h); }
}  // namespace tenon::cpu
#endif
