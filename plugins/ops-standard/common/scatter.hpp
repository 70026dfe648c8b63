// SPDX-License-Identifier: Apache-2.0
// scatter.hpp - how ScatterElements and ScatterND write an update: by the attribute `reduction`, none, add, mul, max or min.
#pragma once
#include "common/arithmetic.hpp"
#include "common/dispatch.hpp"
#include "common/indices.hpp"
#include "common/raw.hpp"

namespace tenon::ops {

/// Calls move(to*, from*, combine): combine(U& to, U from) writes one element.
template <class F>
void visit_reduction(tenon_dtype t, const std::string& how, F&& f) {
  if (how == "none")
    return visit_unit(t, [&](auto unit) {
      using U = decltype(unit);
      f(unit, [](U& to, const U& from) { to = from; });
    });
  visit<NumericAndBoolTypes>(t, [&]<class T>(Tag<T>) {
    using C = std::conditional_t<std::is_same_v<T, bool>, uint8_t, compute_t<T>>;
    auto with = [&](auto op) { f(T{}, [op](T& to, const T& from) { to = T(op(static_cast<C>(to), static_cast<C>(from))); }); };
    if (how == "add") with([](C a, C b) { return wrap_add(a, b); });
    else if (how == "mul") with([](C a, C b) { return wrap_mul(a, b); });
    else if (how == "max") with([](C a, C b) { return maximum(a, b); });
    else if (how == "min") with([](C a, C b) { return minimum(a, b); });
    else fail("attribute 'reduction' has an unknown value", "none, add, mul, max or min", how);
  });
}
/// Copies input 0 into the output's storage, where updates are then applied.
inline void start_from_data(const Node& node, const RawOutput& out) {
  const RawInput in(node.in(0));
  const auto bytes = static_cast<size_t>(node.in(0).count()) * unit_size(node.in(0).type());
  if (bytes && out.data<void>() != in.data<void>()) std::memcpy(out.data<void>(), in.data<void>(), bytes);
}

}  // namespace tenon::ops
