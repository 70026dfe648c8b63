// SPDX-License-Identifier: Apache-2.0
// x * P(Z <= x) for a standard normal Z, or its approximation by tanh (Hendrycks and Gimpel 2016).
#include "common/elementwise.hpp"

namespace tenon::ops {
namespace {
struct Gelu {
  bool approximate;
  explicit Gelu(const Node& n) : approximate(n.s("approximate", "none") == "tanh") {
    const std::string how = n.s("approximate", "none");
    if (how != "tanh" && how != "none") fail("attribute 'approximate' has an unknown value", "none or tanh", how);
  }
  template <class T> T operator()(T x) const {
    const T scaled = approximate ? std::tanh(T(0.7978845608028654) * (x + T(0.044715) * x * x * x)) : std::erf(x * T(0.7071067811865476));
    return T(0.5) * x * (1 + scaled);
  }
};
}  // namespace
TENON_OPERATOR("tenon", "Gelu", 1, TENON_OF_IN_PLACE, "(X: T(float)) -> (Y: T) {approximate?: string}", infer_same,
               (run_unary<Gelu, FloatTypes>));
}  // namespace tenon::ops
