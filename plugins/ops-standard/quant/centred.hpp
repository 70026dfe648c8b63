// SPDX-License-Identifier: Apache-2.0
// centred.hpp - quantized operands without their zero point, in the unsigned type that integer products are summed in.
#pragma once
#include "common/broadcast.hpp"
#include "common/infer.hpp"
#include "common/work.hpp"

namespace tenon::ops {

/// 8-bit products are summed in i32, 16-bit ones in i64.
inline tenon_dtype accumulator_type(tenon_dtype a, tenon_dtype b) { return a.bits > 8 || b.bits > 8 ? dt::i64 : dt::i32; }

/// x - zero_point as W (wrapping); the zero point's elements lie over x as `zero_dims`, which has x's rank or fewer dimensions, says.
template <class W>
std::vector<W> centred(const Tensor& x, const Tensor& zero_point, const Dims& zero_dims) {
  const Operand<W> q(x);
  std::vector<W> r(q.data(), q.data() + q.count());
  if (!zero_point) return r;
  const Operand<W> zero(zero_point);
  broadcast_loop<2>(x.dims(), {Span<int64_t>(zero_dims)}).for_each([&](const std::array<int64_t, 2>& at) {
    r[static_cast<size_t>(at[0])] -= zero[at[1]];
  });
  return r;
}

}  // namespace tenon::ops
