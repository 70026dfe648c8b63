// SPDX-License-Identifier: Apache-2.0
// expanded.hpp - registration of an operator that is also written in simpler ones, for executors and exporters that lack it.
#pragma once
#include <tenon/plugin.hpp>

/// As TENON_OPERATOR, with an expansion: void(tenon::Lower&).
#define TENON_EXPANDED_OPERATOR(name_, signature_, infer_, run_, expand_)                                                         \
  TENON_MANIFEST("{\"kind\":\"operator\",\"id\":\"tenon::" name_ "\",\"since\":1}");                                              \
  static constexpr tenon_kernel reference_kernel =                                                                                \
      make_kernel("reference/tenon::" name_, "tenon", name_, 1, "", nullptr, &run_thunk<run_>);                                   \
  static constexpr tenon_operator expanded_operator = [] {                                                                        \
    tenon_operator o = make_operator("tenon::" name_, "tenon", name_, 1, 0, signature_, &infer_thunk<infer_>, &reference_kernel); \
    o.expand = &lower_thunk<expand_>;                                                                                             \
    return o;                                                                                                                     \
  }();                                                                                                                            \
  TENON_REGISTER(&expanded_operator.h)
