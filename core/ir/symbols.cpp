// SPDX-License-Identifier: Apache-2.0
// Arithmetic of symbolic dimensions.
#include "symbols.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace tenon::core {
namespace {

/// INT64_MIN counts as overflow, so that every coefficient can be negated.
bool checked_add(int64_t a, int64_t b, int64_t* r) { return !__builtin_add_overflow(a, b, r) && *r != INT64_MIN; }
bool checked_mul(int64_t a, int64_t b, int64_t* r) { return !__builtin_mul_overflow(a, b, r) && *r != INT64_MIN; }

/// b != 0; neither is INT64_MIN.
int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/// a without the factors of b; false when b does not divide a.
bool remove_factors(const std::vector<int32_t>& a, const std::vector<int32_t>& b, std::vector<int32_t>* out) {
  if (!std::includes(a.begin(), a.end(), b.begin(), b.end())) return false;
  out->clear();
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(*out));
  return true;
}

}  // namespace

bool SymbolTable::add(Poly& to, const Poly& p, int64_t factor) {
  for (const auto& [m, c] : p) {
    int64_t term = 0;
    if (!checked_mul(c, factor, &term)) return false;
    auto [it, fresh] = to.try_emplace(m, 0);
    if (!checked_add(it->second, term, &it->second)) return false;
    if (it->second == 0) to.erase(it);
  }
  return true;
}

bool SymbolTable::multiply(const Poly& a, const Poly& b, Poly* out) {
  if (a.size() * b.size() > kMaxTerms * kMaxTerms) return false;
  Poly r;
  for (const auto& [ma, ca] : a)
    for (const auto& [mb, cb] : b) {
      Monomial m;
      std::merge(ma.begin(), ma.end(), mb.begin(), mb.end(), std::back_inserter(m));
      int64_t c = 0;
      if (!checked_mul(ca, cb, &c) || !add(r, Poly{{std::move(m), c}}, 1)) return false;
    }
  *out = std::move(r);
  return true;
}

/// Exact quotient of a by b, term by term from the highest; false when there is none.
bool SymbolTable::divide(Poly a, const Poly& b, Poly* quotient) {
  const auto& [lead, coefficient] = *b.begin();
  Poly q;
  while (!a.empty()) {
    Monomial m;
    const auto& [ma, ca] = *a.begin();
    if (ca % coefficient != 0 || !remove_factors(ma, lead, &m) || q.size() > kMaxTerms) return false;
    const Poly term{{m, ca / coefficient}};
    Poly product;
    if (!multiply(term, b, &product) || !add(a, product, -1) || !add(q, term, 1)) return false;
  }
  *quotient = std::move(q);
  return true;
}

bool SymbolTable::is_number(const Poly& p, int64_t* n) {
  if (p.empty()) return *n = 0, true;
  if (p.size() != 1 || !p.begin()->first.empty()) return false;
  *n = p.begin()->second;
  return true;
}

SymbolTable::Poly SymbolTable::poly(int64_t dim) const { return dim >= 0 ? number(dim) : polys_[index(dim)]; }

uint64_t SymbolTable::size(const Poly& p) const {
  uint64_t n = p.size();
  for (const auto& [m, c] : p)
    for (int32_t a : m) n += atoms_[a].size;
  return n;
}

/// True only when no values of the names make it negative.
bool SymbolTable::not_negative(const Poly& p) const {
  return std::all_of(p.begin(), p.end(), [&](const auto& term) {
    return term.second >= 0 && std::all_of(term.first.begin(), term.first.end(), [&](int32_t i) {
      const Atom& a = atoms_[i];
      return a.op == 0 || (not_negative(poly(a.a)) && not_negative(poly(a.b)));
    });
  });
}

int64_t SymbolTable::intern(const Poly& p) {
  int64_t n = 0;
  if (is_number(p, &n) && n >= 0) return n;
  if (p.size() > kMaxTerms || size(p) > kMaxSize) return TENON_DIM_UNKNOWN;
  for (const auto& [m, c] : p)
    if (m.size() > kMaxDegree) return TENON_DIM_UNKNOWN;
  auto [it, fresh] = by_poly_.try_emplace(p, -static_cast<int64_t>(polys_.size()) - 2);
  if (fresh) polys_.push_back(p);
  return it->second;
}

int32_t SymbolTable::name_atom(std::string_view name) {
  auto [it, fresh] = by_name_.try_emplace(std::string(name), static_cast<int32_t>(atoms_.size()));
  if (fresh) {
    Atom a;
    a.name = name;
    atoms_.push_back(std::move(a));
  }
  return it->second;
}

int64_t SymbolTable::named(std::string_view name) { return intern(Poly{{{name_atom(name)}, 1}}); }

int64_t SymbolTable::fresh() {
  std::string name;
  do name = "_" + std::to_string(fresh_++);
  while (by_name_.count(name));
  return named(name);
}

/// The opaque expression op(a, b).
bool SymbolTable::atom(int32_t op, const Poly& a, const Poly& b, Poly* out) {
  const uint64_t total = size(a) + size(b) + 1;
  if (total > kMaxSize) return false;
  int64_t da = intern(a), db = intern(b);
  if (da == TENON_DIM_UNKNOWN || db == TENON_DIM_UNKNOWN) return false;
  if ((op == TENON_DIM_MIN || op == TENON_DIM_MAX) && da > db) std::swap(da, db);
  auto [it, fresh] = by_operands_.try_emplace({op, da, db}, static_cast<int32_t>(atoms_.size()));
  if (fresh) atoms_.push_back({op, {}, da, db, total});
  *out = Poly{{{it->second}, 1}};
  return true;
}

/// b > 0. Whole multiples of b leave the division, which is right for all integers: floor((b*q + r) / b) = q + floor(r / b).
bool SymbolTable::floordiv_number(const Poly& a, int64_t b, Poly* out) {
  Poly whole, rest;
  int64_t common = b;
  for (const auto& [m, c] : a) {
    const int64_t q = floor_div(c, b), r = c - q * b;
    if (q) whole[m] = q;
    if (r) rest[m] = r;
    if (!m.empty()) common = std::gcd(common, r);
  }
  int64_t n = 0;
  if (is_number(rest, &n)) return *out = std::move(whole), true;
  if (common > 1) {
    Poly less;
    for (const auto& [m, c] : rest)
      if (c / common) less[m] = c / common;  // floor(c / common) for the constant term
    return floordiv_number(less, b / common, out) && add(*out, whole, 1);
  }
  // floor((floor(x / c) + k) / b) = floor((x + k*c) / (c*b))
  const auto& [m, c] = *rest.begin();
  const bool alone = m.size() == 1 && c == 1 && (rest.size() == 1 || (rest.size() == 2 && rest.rbegin()->first.empty()));
  if (alone && atoms_[m[0]].op == TENON_DIM_FLOORDIV && atoms_[m[0]].b > 0) {
    const int64_t inner = atoms_[m[0]].b;
    int64_t both = 0;
    Poly x = poly(atoms_[m[0]].a);
    const auto k = rest.find(Monomial{});
    if (checked_mul(inner, b, &both) && add(x, number(k == rest.end() ? 0 : k->second), inner))
      return floordiv_number(x, both, out) && add(*out, whole, 1);
  }
  return atom(TENON_DIM_FLOORDIV, rest, number(b), out) && add(*out, whole, 1);
}

/// Divisor with names. Factors common to all terms are cancelled.
bool SymbolTable::floordiv_symbol(const Poly& a, const Poly& b, Poly* out) {
  if (divide(a, b, out)) return true;
  int64_t common = 0;
  Monomial shared = b.begin()->first;
  for (const Poly* p : {&a, &b})
    for (const auto& [m, c] : *p) {
      Monomial both;
      std::set_intersection(m.begin(), m.end(), shared.begin(), shared.end(), std::back_inserter(both));
      shared = std::move(both);
      common = std::gcd(common, c);
    }
  if (common > 1 || !shared.empty()) {
    const Poly factor{{shared, common}};
    Poly less_a, less_b;
    return divide(a, factor, &less_a) && divide(b, factor, &less_b) && floordiv(less_a, less_b, out);
  }
  Poly whole, rest;
  if (b.size() != 1) return atom(TENON_DIM_FLOORDIV, a, b, out);
  const auto& [divisor, coefficient] = *b.begin();
  for (const auto& [m, c] : a) {
    Monomial q;
    if (c % coefficient == 0 && remove_factors(m, divisor, &q)) whole[q] = c / coefficient;
    else rest[m] = c;
  }
  if (!whole.empty()) return floordiv(rest, b, out) && add(*out, whole, 1);
  return atom(TENON_DIM_FLOORDIV, a, b, out);
}

bool SymbolTable::floordiv(const Poly& a, const Poly& b, Poly* out) {
  int64_t n = 0;
  if (!is_number(b, &n)) {
    if (a.empty()) return *out = {}, true;
    return floordiv_symbol(a, b, out);
  }
  if (n == 0) return false;
  if (n > 0) return floordiv_number(a, n, out);
  Poly negative;
  return add(negative, a, -1) && floordiv_number(negative, -n, out);
}

/// By a number it is a floordiv, so that both spellings of a size are equal.
bool SymbolTable::ceildiv(const Poly& a, const Poly& b, Poly* out) {
  int64_t n = 0;
  if (!is_number(b, &n)) return divide(a, b, out) || atom(TENON_DIM_CEILDIV, a, b, out);
  if (n == 0) return false;
  Poly up;
  return add(up, a, n < 0 ? -1 : 1) && add(up, number(std::abs(n) - 1), 1) && floordiv_number(up, std::abs(n), out);
}

bool SymbolTable::min_max(int32_t op, const Poly& a, const Poly& b, Poly* out) {
  Poly difference = b, opposite;
  if (add(difference, a, -1) && add(opposite, difference, -1)) {
    if (not_negative(difference)) return *out = op == TENON_DIM_MIN ? a : b, true;
    if (not_negative(opposite)) return *out = op == TENON_DIM_MIN ? b : a, true;
  }
  int64_t n = 0;
  for (const auto& [large, other] : {std::pair(&a, &b), std::pair(&b, &a)})
    if (is_number(*large, &n) && n == INT64_MAX) return *out = op == TENON_DIM_MIN ? *other : *large, true;
  // min(min(a, b), b) = min(a, b)
  for (const auto& [p, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    if (p->size() != 1 || p->begin()->first.size() != 1 || p->begin()->second != 1) continue;
    const Atom& inner = atoms_[p->begin()->first[0]];
    if (inner.op == op && (poly(inner.a) == *other || poly(inner.b) == *other)) return *out = *p, true;
  }
  return atom(op, a, b, out);
}

bool SymbolTable::combine(int32_t op, const Poly& a, const Poly& b, Poly* out) {
  switch (op) {
    case TENON_DIM_ADD:
    case TENON_DIM_SUB: {
      Poly r = a;
      if (!add(r, b, op == TENON_DIM_ADD ? 1 : -1)) return false;
      *out = std::move(r);
      return true;
    }
    case TENON_DIM_MUL: return multiply(a, b, out);
    case TENON_DIM_FLOORDIV: return floordiv(a, b, out);
    case TENON_DIM_CEILDIV: return ceildiv(a, b, out);
    case TENON_DIM_MIN:
    case TENON_DIM_MAX: return min_max(op, a, b, out);
    default: return false;
  }
}

int64_t SymbolTable::apply(int32_t op, int64_t a, int64_t b) {
  if (a == TENON_DIM_UNKNOWN || b == TENON_DIM_UNKNOWN || !valid(a) || !valid(b)) return TENON_DIM_UNKNOWN;
  int64_t n = 0;
  if (a >= 0 && b >= 0 && op == TENON_DIM_ADD && checked_add(a, b, &n)) return n;
  if (a >= 0 && b >= 0 && op == TENON_DIM_MUL && checked_mul(a, b, &n)) return n;
  Poly r;
  return combine(op, poly(a), poly(b), &r) ? intern(r) : TENON_DIM_UNKNOWN;
}

bool SymbolTable::evaluate_atom(const Atom& a, const std::map<std::string, int64_t, std::less<>>& values, int64_t* out) const {
  if (a.op == 0) {
    const auto it = values.find(a.name);
    if (it == values.end()) return false;
    *out = it->second;
    return *out != INT64_MIN;
  }
  int64_t x = 0, y = 0;
  if (!evaluate(poly(a.a), values, &x) || !evaluate(poly(a.b), values, &y)) return false;
  if (a.op == TENON_DIM_MIN || a.op == TENON_DIM_MAX) return *out = a.op == TENON_DIM_MIN ? std::min(x, y) : std::max(x, y), true;
  if (y == 0) return false;
  *out = a.op == TENON_DIM_FLOORDIV ? floor_div(x, y) : -floor_div(-x, y);
  return true;
}

bool SymbolTable::evaluate(const Poly& p, const std::map<std::string, int64_t, std::less<>>& values, int64_t* out) const {
  int64_t sum = 0;
  for (const auto& [m, c] : p) {
    int64_t term = c;
    for (int32_t i : m) {
      int64_t factor = 0;
      if (!evaluate_atom(atoms_[i], values, &factor) || !checked_mul(term, factor, &term)) return false;
    }
    if (!checked_add(sum, term, &sum)) return false;
  }
  *out = sum;
  return true;
}

int64_t SymbolTable::evaluate(int64_t dim, const std::map<std::string, int64_t, std::less<>>& values) const {
  int64_t r = 0;
  if (dim >= TENON_DIM_UNKNOWN) return dim;
  return valid(dim) && evaluate(polys_[index(dim)], values, &r) && r >= 0 ? r : TENON_DIM_UNKNOWN;
}

void SymbolTable::collect_names(const Poly& p, std::vector<std::string>* out) const {
  for (const auto& [m, c] : p)
    for (int32_t i : m) {
      const Atom& a = atoms_[i];
      if (a.op == 0) out->push_back(a.name);
      else collect_names(poly(a.a), out), collect_names(poly(a.b), out);
    }
}

std::vector<std::string> SymbolTable::names_of(int64_t dim) const {
  std::vector<std::string> r;
  if (dim < TENON_DIM_UNKNOWN && valid(dim)) collect_names(polys_[index(dim)], &r);
  std::sort(r.begin(), r.end());
  r.erase(std::unique(r.begin(), r.end()), r.end());
  return r;
}

}  // namespace tenon::core
