// SPDX-License-Identifier: Apache-2.0
// Remainder: with fmod of the dividend's sign, otherwise of the divisor's, also when it is zero. Integers by zero give 0.
#include "common/arithmetic.hpp"
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Mod {
  bool fmod;
  explicit Mod(const Node& n) : fmod(n.i("fmod") != 0) {}
  template <class T> T operator()(T a, T b) const {
    if (fmod) return remainder_truncated(a, b);
    const T r = remainder_floored(a, b);
    if constexpr (std::is_floating_point_v<T>)
      if (r == 0) return std::copysign(r, b);
    return r;
  }
};
}  // namespace
TENON_OPERATOR("tenon", "Mod", 1, TENON_OF_IN_PLACE, "(A: T(num), B: T) -> (C: T) {fmod?: int}", infer_binary<>,
               (run_binary<Mod, NumericTypes>));
}  // namespace tenon::ops
