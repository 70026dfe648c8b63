// SPDX-License-Identifier: Apache-2.0
// Transposes that meet, that meet what works on each element alone, and that meet a product of matrices.
#include "rule.hpp"

namespace tenon::saturate {
namespace {

using Perm = std::vector<int64_t>;

Perm perm_of(const EGraph& e, NodeId n) {
  Perm p = e.operation_of_expression(n).ints("perm");
  const int32_t rank = e.type(e.child(n, 0)).rank;
  if (p.empty())
    for (int32_t k = rank; k-- > 0;) p.push_back(k);
  return rank >= 0 && p.size() == static_cast<size_t>(rank) ? p : Perm();
}
bool identity(const Perm& p) {
  for (size_t k = 0; k < p.size(); ++k)
    if (p[k] != static_cast<int64_t>(k)) return false;
  return true;
}
Type transposed(const Type& t, const Perm& p) {
  Type r = t;
  for (size_t k = 0; k < p.size(); ++k) r.dims[k] = t.dims[static_cast<size_t>(p[k])];
  return r;
}
ClassId transpose(Matcher& m, ClassId x, const Perm& p, const std::vector<tenon_node>& origins) {
  if (identity(p)) return x;
  return m.e.add(Operation("Transpose").set("perm", p), {x}, transposed(m.e.type(x), p), origins);
}

void join(Matcher& m, NodeId n) {
  const Perm q = perm_of(m.e, n);
  if (q.empty()) return;
  if (identity(q)) m.equal(m.e.expression(n).cls, m.e.child(n, 0));
  m.e.each(m.e.child(n, 0), "Transpose", [&](NodeId inner) {
    const Perm p = perm_of(m.e, inner);
    if (p.size() != q.size()) return;
    Perm both(p.size());
    for (size_t k = 0; k < p.size(); ++k) both[k] = p[static_cast<size_t>(q[k])];
    m.equal(m.e.expression(n).cls, transpose(m, m.e.child(inner, 0), both, m.origins({n, inner})));
  });
}

/// f(T(x)) = T(f(x))
void out_of_unary(Matcher& m, NodeId n) {
  const Operation f = m.e.operation_of_expression(n);
  m.e.each(m.e.child(n, 0), "Transpose", [&](NodeId t) {
    const Perm p = perm_of(m.e, t);
    if (p.empty() || m.e.work_of(n).children.size() != 1) return;
    const ClassId x = m.e.child(t, 0);
    Type type = m.e.type(x);
    type.dtype = m.e.type(m.e.expression(n).cls).dtype;
    const ClassId inner = m.e.add(f, {x}, type, m.origins({n}));
    m.equal(m.e.expression(n).cls, transpose(m, inner, p, m.origins({t})));
  });
}
/// T(f(x)) = f(T(x))
void into_unary(Matcher& m, NodeId n) {
  const Perm p = perm_of(m.e, n);
  if (p.empty()) return;
  for (std::string_view name : kUnary)
    m.e.each(m.e.child(n, 0), name, [&](NodeId f) {
      if (m.e.work_of(f).children.size() != 1) return;
      const Operation op = m.e.operation_of_expression(f);
      const ClassId inner = transpose(m, m.e.child(f, 0), p, m.origins({n}));
      m.equal(m.e.expression(n).cls, m.e.add(op, {inner}, m.e.type(m.e.expression(n).cls), m.origins({f})));
    });
}
/// T(x) op T(y) = T(x op y), where both are of one rank, and T(x) op s for a single element s.
void out_of_binary(Matcher& m, NodeId n) {
  const Operation op = m.e.operation_of_expression(n);
  for (size_t k : {0u, 1u})
    m.e.each(m.e.child(n, k), "Transpose", [&](NodeId t) {
      const Perm p = perm_of(m.e, t);
      const ClassId x = m.e.child(t, 0), other = m.e.child(n, 1 - k);
      if (p.empty() || other == kNoId) return;
      const Type out = m.e.type(m.e.expression(n).cls);
      auto say = [&](ClassId y, NodeId from) {
        const auto dims = broadcast(m.e.type(x).dims, m.e.type(y).dims);
        if (!dims || dims->size() != p.size()) return;
        const Type inner(out.dtype, *dims);
        if (!(transposed(inner, p) == out)) return;
        const ClassId both = m.e.add(op, k == 0 ? std::vector<ClassId>{x, y} : std::vector<ClassId>{y, x}, inner, m.origins({n}));
        m.equal(m.e.expression(n).cls, transpose(m, both, p, m.origins({t, from})));
      };
      if (m.e.type(other).count() == 1 && m.e.type(other).rank <= static_cast<int32_t>(p.size())) say(other, t);
      m.e.each(other, "Transpose", [&](NodeId u) {
        if (perm_of(m.e, u) == p) say(m.e.child(u, 0), u);
      });
    });
}
/// T(A B) = T(B) T(A), where T swaps the last two axes and no other.
void into_product(Matcher& m, NodeId n) {
  const Perm p = perm_of(m.e, n);
  if (p.size() < 2) return;
  Perm swapped(p.size());
  for (size_t k = 0; k < p.size(); ++k) swapped[k] = static_cast<int64_t>(k);
  std::swap(swapped[p.size() - 1], swapped[p.size() - 2]);
  if (p != swapped) return;
  m.e.each(m.e.child(n, 0), "MatMul", [&](NodeId product) {
    const ClassId a = m.e.child(product, 0), b = m.e.child(product, 1);
    if (m.e.type(a).rank != static_cast<int32_t>(p.size()) || m.e.type(b).rank != m.e.type(a).rank) return;
    const auto origins = m.origins({n, product});
    const ClassId left = transpose(m, b, p, origins), right = transpose(m, a, p, origins);
    m.equal(m.e.expression(n).cls, m.e.add(Operation("MatMul"), {left, right}, m.e.type(m.e.expression(n).cls), origins));
  });
}

}  // namespace

void register_transpose(RuleTable& t) {
  t.add({"transpose-transpose", true, {"Transpose"}, join});
  t.add({"unary-of-transpose", true, {std::begin(kUnary), std::end(kUnary)}, out_of_unary});
  t.add({"transpose-of-unary", true, {"Transpose"}, into_unary});
  t.add({"binary-of-transpose", true, {std::begin(kBinary), std::end(kBinary)}, out_of_binary});
  t.add({"transpose-of-product", true, {"Transpose"}, into_product});
}

}  // namespace tenon::saturate
