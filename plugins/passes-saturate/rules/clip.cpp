// SPDX-License-Identifier: Apache-2.0
// Limits of limits. Limits are single constants of f32, the lower at most the upper.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "rule.hpp"

namespace tenon::saturate {
namespace {

struct Limits {
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};

std::optional<Limits> limits(const EGraph& e, NodeId n) {
  Limits r;
  for (size_t k : {1u, 2u}) {
    const ClassId c = e.child(n, k);
    if (c == kNoId) continue;
    const auto x = e.scalar(c);
    if (!x || std::isnan(*x)) return std::nullopt;
    (k == 1 ? r.low : r.high) = *x;
  }
  return r.low <= r.high ? std::optional<Limits>(r) : std::nullopt;
}
ClassId limit(Matcher& m, float x) {
  std::vector<uint8_t> data(sizeof x);
  std::memcpy(data.data(), &x, sizeof x);
  return m.e.add_constant(Type(dt::f32, {}), std::move(data));
}
void say(Matcher& m, NodeId n, ClassId x, const Limits& l, const std::vector<tenon_node>& origins) {
  const ClassId out = m.e.expression(n).cls, low = limit(m, l.low), high = limit(m, l.high);
  m.equal(out, m.e.add(Operation("Clip"), {x, low, high}, m.e.type(out), origins));
}

/// Limits [a, b] and then [c, d] that meet are [max(a, c), min(b, d)].
void join(Matcher& m, NodeId n) {
  const auto outer = limits(m.e, n);
  if (!outer || !(m.e.type(m.e.expression(n).cls).dtype == dt::f32)) return;
  m.e.each(m.e.child(n, 0), "Clip", [&](NodeId inner) {
    const auto first = limits(m.e, inner);
    if (!first) return;
    const Limits both{std::max(first->low, outer->low), std::min(first->high, outer->high)};
    if (both.low > both.high || (first->low == 0 && outer->low == 0 && std::signbit(first->low) != std::signbit(outer->low))) return;
    say(m, n, m.e.child(inner, 0), both, m.origins({n, inner}));
  });
}
/// Limits above zero make a Relu before them needless; zero itself may change the sign of zero.
void after_relu(Matcher& m, NodeId n) {
  const auto outer = limits(m.e, n);
  if (!outer || outer->low < 0 || !(m.e.type(m.e.expression(n).cls).dtype == dt::f32)) return;
  m.e.each(m.e.child(n, 0), "Relu", [&](NodeId inner) { say(m, n, m.e.child(inner, 0), *outer, m.origins({n, inner})); });
}
/// A Relu of what is at least zero changes nothing.
void before_relu(Matcher& m, NodeId n) {
  m.e.each(m.e.child(n, 0), "Clip", [&](NodeId inner) {
    const auto l = limits(m.e, inner);
    if (l && l->low >= 0) m.equal(m.e.expression(n).cls, m.e.child(n, 0));
  });
}

}  // namespace

void register_clip(RuleTable& t) {
  t.add({"clip-clip", true, {"Clip"}, join});
  t.add({"clip-of-relu", false, {"Clip"}, after_relu});
  t.add({"relu-of-clip", false, {"Relu"}, before_relu});
}

}  // namespace tenon::saturate
