// SPDX-License-Identifier: Apache-2.0
#include "common/scan.hpp"

namespace tenon::ops {
namespace {
struct CumSum {
  static constexpr int start = 0;
  template <class A> A operator()(A a, A b) const { return wrap_add(a, b); }
};
}  // namespace
TENON_OPERATOR("tenon", "CumSum", 1, 0, "(x: T(num), axis: index) -> (y: T) {exclusive?: int, reverse?: int}", infer_scan, run_scan<CumSum>);
}  // namespace tenon::ops
