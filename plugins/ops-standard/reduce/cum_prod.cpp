// SPDX-License-Identifier: Apache-2.0
#include "common/scan.hpp"

namespace tenon::ops {
namespace {
struct CumProd {
  static constexpr int start = 1;
  template <class A> A operator()(A a, A b) const { return wrap_mul(a, b); }
};
}  // namespace
TENON_OPERATOR("tenon", "CumProd", 1, 0, "(x: T(num), axis: index) -> (y: T) {exclusive?: int, reverse?: int}", infer_scan, run_scan<CumProd>);
}  // namespace tenon::ops
