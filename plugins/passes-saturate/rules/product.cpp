// SPDX-License-Identifier: Apache-2.0
// Products of matrices in another order: the product of three, sums of products, and factors that move through.
#include "rule.hpp"

namespace tenon::saturate {
namespace {

bool usable(const Type& t) { return is_float_type(t) && t.rank >= 2; }

/// (A B) C = A (B C), C and B matrices.
void right(Matcher& m, NodeId n) {
  const ClassId c = m.e.child(n, 1);
  if (!usable(m.e.type(c)) || m.e.type(c).rank != 2) return;
  m.e.each(m.e.child(n, 0), "MatMul", [&](NodeId ab) {
    const ClassId a = m.e.child(ab, 0), b = m.e.child(ab, 1);
    if (m.e.type(b).rank != 2 || m.e.type(a).rank < 2) return;
    const auto inner = product_type(m.e.type(b), m.e.type(c));
    if (!inner) return;
    const auto origins = m.origins({n, ab});
    const ClassId bc = m.e.add(Operation("MatMul"), {b, c}, *inner, origins);
    m.equal(m.e.expression(n).cls, m.e.add(Operation("MatMul"), {a, bc}, m.e.type(m.e.expression(n).cls), origins));
  });
}
/// A (B C) = (A B) C
void left(Matcher& m, NodeId n) {
  const ClassId a = m.e.child(n, 0);
  if (!usable(m.e.type(a))) return;
  m.e.each(m.e.child(n, 1), "MatMul", [&](NodeId bc) {
    const ClassId b = m.e.child(bc, 0), c = m.e.child(bc, 1);
    if (m.e.type(b).rank != 2 || m.e.type(c).rank != 2) return;
    const auto inner = product_type(m.e.type(a), m.e.type(b));
    if (!inner) return;
    const auto origins = m.origins({n, bc});
    const ClassId ab = m.e.add(Operation("MatMul"), {a, b}, *inner, origins);
    m.equal(m.e.expression(n).cls, m.e.add(Operation("MatMul"), {ab, c}, m.e.type(m.e.expression(n).cls), origins));
  });
}
/// A B + A C = A (B + C), and A C + B C = (A + B) C.
void common(Matcher& m, NodeId n) {
  const Type type = m.e.type(m.e.expression(n).cls);
  m.e.each(m.e.child(n, 0), "MatMul", [&](NodeId p) {
    m.e.each(m.e.child(n, 1), "MatMul", [&](NodeId q) {
      for (size_t k : {0u, 1u}) {
        const ClassId same = m.e.child(p, k), x = m.e.child(p, 1 - k), y = m.e.child(q, 1 - k);
        if (m.e.child(q, k) != same || !usable(m.e.type(x)) || !(m.e.type(x) == m.e.type(y)) || !(m.e.type(m.e.expression(p).cls) == type)) continue;
        const auto origins = m.origins({n, p, q});
        const ClassId sum = m.e.add(Operation("Add"), {x, y}, m.e.type(x), origins);
        m.equal(m.e.expression(n).cls, m.e.add(Operation("MatMul"), k == 0 ? std::vector<ClassId>{same, sum} : std::vector<ClassId>{sum, same}, type, origins));
      }
    });
  });
}

/// May s stand at the columns of the right factor instead of those of the product?
bool scales_columns(const EGraph& e, ClassId s, ClassId b) {
  const Type &t = e.type(s), &matrix = e.type(b);
  if (t.count() == 1) return t.rank <= matrix.rank;
  return matrix.rank == 2 && t.rank == 1 && t.dims[0] == matrix.dims[1] && t.dims[0] > 0;
}
/// (A B) s = A (B s) = (A s) B, the last for one element s only.
void scale_into(Matcher& m, NodeId n) {
  const ClassId out = m.e.expression(n).cls;
  for (size_t k : {0u, 1u})
    m.e.each(m.e.child(n, k), "MatMul", [&](NodeId p) {
      const ClassId a = m.e.child(p, 0), b = m.e.child(p, 1), s = m.e.child(n, 1 - k);
      if (!usable(m.e.type(a)) || !usable(m.e.type(b)) || !(m.e.type(m.e.expression(p).cls) == m.e.type(out)) || !m.e.cls(s).constant) return;
      const auto origins = m.origins({n, p});
      auto scaled = [&](ClassId x) { return m.e.add(Operation("Mul"), {x, s}, m.e.type(x), origins); };
      if (scales_columns(m.e, s, b)) m.equal(out, m.e.add(Operation("MatMul"), {a, scaled(b)}, m.e.type(out), origins));
      if (m.e.type(s).count() == 1 && m.e.type(s).rank <= m.e.type(a).rank) m.equal(out, m.e.add(Operation("MatMul"), {scaled(a), b}, m.e.type(out), origins));
    });
}
/// A (B s) = (A B) s
void scale_out(Matcher& m, NodeId n) {
  const ClassId out = m.e.expression(n).cls;
  for (size_t side : {0u, 1u})
    m.e.each(m.e.child(n, side), "Mul", [&](NodeId f) {
      for (size_t k : {0u, 1u}) {
        const ClassId x = m.e.child(f, k), s = m.e.child(f, 1 - k), other = m.e.child(n, 1 - side);
        const bool fits = m.e.cls(s).constant && usable(m.e.type(x)) && m.e.type(x) == m.e.type(m.e.expression(f).cls) && m.e.type(s).rank <= m.e.type(out).rank &&
                          (side == 1 ? scales_columns(m.e, s, x) : m.e.type(s).count() == 1);
        if (!fits) continue;
        const auto origins = m.origins({n, f});
        const ClassId product = m.e.add(Operation("MatMul"), side == 0 ? std::vector<ClassId>{x, other} : std::vector<ClassId>{other, x}, m.e.type(out), origins);
        m.equal(out, m.e.add(Operation("Mul"), {product, s}, m.e.type(out), origins));
      }
    });
}

}  // namespace

void register_product(RuleTable& t) {
  t.add({"product-right", false, {"MatMul"}, right});
  t.add({"product-left", false, {"MatMul"}, left});
  t.add({"common-factor", false, {"Add"}, common});
  t.add({"scale-into-product", false, {"Mul"}, scale_into});
  t.add({"scale-out-of-product", false, {"MatMul"}, scale_out});
}

}  // namespace tenon::saturate
