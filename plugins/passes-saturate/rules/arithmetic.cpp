// SPDX-License-Identifier: Apache-2.0
// Sums and products of elements in another order, and functions that a second time change nothing.
#include <algorithm>

#include "rule.hpp"

namespace tenon::saturate {
namespace {

/// x + y = y + x
void commute(Matcher& m, NodeId n) {
  const Operation op = m.e.operation_of_expression(n);
  const ClassId out = m.e.expression(n).cls;
  if (m.e.work_of(n).children.size() != 2) return;
  m.equal(out, m.e.add(op, {m.e.child(n, 1), m.e.child(n, 0)}, m.e.type(out), m.origins({n})));
}
/// (x + y) + z = x + (y + z)
void associate(Matcher& m, NodeId n) {
  const Operation op = m.e.operation_of_expression(n);
  const ClassId out = m.e.expression(n).cls, z = m.e.child(n, 1);
  if (!is_float_type(m.e.type(out)) || m.e.work_of(n).children.size() != 2) return;
  m.e.each(m.e.child(n, 0), op.name, [&](NodeId inner) {
    const ClassId x = m.e.child(inner, 0), y = m.e.child(inner, 1);
    if (m.e.type(x).rank < 0 || m.e.type(y).rank < 0 || m.e.type(z).rank < 0) return;
    const auto dims = broadcast(m.e.type(y).dims, m.e.type(z).dims);
    if (!dims) return;
    const auto origins = m.origins({n, inner});
    const ClassId right = m.e.add(op, {y, z}, Type(m.e.type(out).dtype, *dims), origins);
    m.equal(out, m.e.add(op, {x, right}, m.e.type(out), origins));
  });
}
/// x s + y s = (x + y) s
void common(Matcher& m, NodeId n) {
  const ClassId out = m.e.expression(n).cls;
  const Type type = m.e.type(out);
  if (!is_float_type(type)) return;
  m.e.each(m.e.child(n, 0), "Mul", [&](NodeId p) {
    m.e.each(m.e.child(n, 1), "Mul", [&](NodeId q) {
      for (size_t k : {0u, 1u}) {
        const ClassId s = m.e.child(p, k), x = m.e.child(p, 1 - k), y = m.e.child(q, 1 - k);
        if (m.e.child(q, k) != s || !(m.e.type(x) == type) || !(m.e.type(y) == type)) continue;
        const auto origins = m.origins({n, p, q});
        const ClassId sum = m.e.add(Operation("Add"), {x, y}, type, origins);
        m.equal(out, m.e.add(Operation("Mul"), {sum, s}, type, origins));
      }
    });
  });
}
/// f(f(x)) = f(x)
void idempotent(Matcher& m, NodeId n) {
  const std::string name = m.e.operation_of_expression(n).name;
  if (m.e.operation_of_expression(n).attrs.empty()) m.e.each(m.e.child(n, 0), name, [&](NodeId) { m.equal(m.e.expression(n).cls, m.e.child(n, 0)); });
}
/// -(-x) = x
void twice(Matcher& m, NodeId n) {
  m.e.each(m.e.child(n, 0), "Neg", [&](NodeId inner) { m.equal(m.e.expression(n).cls, m.e.child(inner, 0)); });
}
/// Of what is never below zero the larger of it and zero is itself.
void already_positive(Matcher& m, NodeId n) {
  for (std::string_view name : {"Sigmoid", "Exp", "Abs", "Sqrt"})
    m.e.each(m.e.child(n, 0), name, [&](NodeId) {
      if (is_float_type(m.e.type(m.e.child(n, 0)))) m.equal(m.e.expression(n).cls, m.e.child(n, 0));
    });
}

}  // namespace

void register_arithmetic(RuleTable& t) {
  t.add({"commute", true, {"Add", "Mul"}, commute});
  t.add({"associate", false, {"Add", "Mul"}, associate});
  t.add({"common-scale", false, {"Add"}, common});
  t.add({"idempotent", true, {"Abs", "Ceil", "Floor", "Relu"}, idempotent});
  t.add({"negate-twice", true, {"Neg"}, twice});
  t.add({"relu-of-positive", false, {"Relu"}, already_positive});
}

}  // namespace tenon::saturate
