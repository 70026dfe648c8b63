// SPDX-License-Identifier: Apache-2.0
// Reshapes to a static shape: only the last one of a row matters, and what works on each element alone may stand on either side.
#include <algorithm>

#include "rule.hpp"

namespace tenon::saturate {
namespace {

constexpr std::string_view kViews[] = {"Reshape", "Squeeze", "Unsqueeze", "Flatten"};

/// Sizes of 0 would mean "as in the input".
bool sayable(const Type& t) { return t.is_static() && t.count() > 0; }
/// `to` is a copy: what is added moves the types of the classes.
ClassId reshape(Matcher& m, ClassId x, Type to, const std::vector<tenon_node>& origins) {
  if (m.e.type(x) == to) return x;
  return m.e.add(Operation("Reshape"), {x, m.e.add_ints(to.dims)}, to, origins);
}

void join(Matcher& m, NodeId n) {
  const ClassId c = m.e.expression(n).cls, x = m.e.child(n, 0);
  const Type type = m.e.type(c);
  if (m.e.work(m.e.expression(n).work).children.empty() || m.e.operation_of_expression(n).n_outputs != 1) return;
  if (m.e.type(x).is_static() && m.e.type(x) == type) m.equal(c, x);
  if (!sayable(type)) return;
  for (std::string_view view : kViews)
    m.e.each(x, view, [&](NodeId inner) { m.equal(c, reshape(m, m.e.child(inner, 0), type, m.origins({n, inner}))); });
}

/// f(R(x)) = R(f(x))
void out_of_unary(Matcher& m, NodeId n) {
  const Operation f = m.e.operation_of_expression(n);
  const ClassId c = m.e.expression(n).cls;
  if (m.e.work_of(n).children.size() != 1 || !sayable(m.e.type(c))) return;
  m.e.each(m.e.child(n, 0), "Reshape", [&](NodeId r) {
    const ClassId x = m.e.child(r, 0);
    Type type = m.e.type(x);
    type.dtype = m.e.type(c).dtype;
    const ClassId inner = m.e.add(f, {x}, type, m.origins({n}));
    m.equal(c, reshape(m, inner, m.e.type(c), m.origins({r})));
  });
}
/// R(f(x)) = f(R(x))
void into_unary(Matcher& m, NodeId n) {
  const ClassId c = m.e.expression(n).cls;
  if (!sayable(m.e.type(c))) return;
  for (std::string_view name : kUnary)
    m.e.each(m.e.child(n, 0), name, [&](NodeId f) {
      if (m.e.work_of(f).children.size() != 1) return;
      const Operation op = m.e.operation_of_expression(f);
      Type type = m.e.type(c);
      type.dtype = m.e.type(m.e.child(f, 0)).dtype;
      const ClassId inner = reshape(m, m.e.child(f, 0), type, m.origins({n}));
      m.equal(c, m.e.add(op, {inner}, m.e.type(c), m.origins({f})));
    });
}

}  // namespace

void register_reshape(RuleTable& t) {
  t.add({"reshape-reshape", true, {std::begin(kViews), std::end(kViews)}, join});
  t.add({"unary-of-reshape", true, {std::begin(kUnary), std::end(kUnary)}, out_of_unary});
  t.add({"reshape-of-unary", true, {"Reshape"}, into_unary});
}

}  // namespace tenon::saturate
