// SPDX-License-Identifier: Apache-2.0
// Shifts by the width or more give 0; a right shift of a signed integer keeps the sign (then -1 for negative ones).
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct BitShift {
  bool left;
  explicit BitShift(const Node& n) : left(n.s("direction") == "LEFT") {
    if (!left && n.s("direction") != "RIGHT") fail("attribute 'direction' has an unknown value", "LEFT or RIGHT", n.s("direction"));
  }
  template <class T> T operator()(T a, T b) const {
    constexpr uint64_t width = sizeof(T) * 8;
    const bool beyond = static_cast<uint64_t>(b) >= width;
    if (left) return beyond ? T(0) : static_cast<T>(static_cast<uint64_t>(a) << b);
    return beyond ? (a < T(0) ? static_cast<T>(-1) : T(0)) : static_cast<T>(a >> b);
  }
};
}  // namespace
TENON_OPERATOR("tenon", "BitShift", 1, TENON_OF_IN_PLACE, "(X: T(int|uint), Y: T) -> (Z: T) {direction: string}", infer_binary<>,
               (run_binary<BitShift, IntTypes>));
}  // namespace tenon::ops
