// SPDX-License-Identifier: Apache-2.0
// symbols.hpp - symbolic dimensions of a model. Every symbol number stands for one canonical expression: equal expressions
// have equal numbers, so shape inference compares dimensions as integers.
#pragma once
#include <tenon/abi.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace tenon::core {

/// Polynomials with integer coefficients over atoms; an atom is a name or an opaque floordiv, ceildiv, min or max of two
/// polynomials. Names are sizes: never negative, and never zero where something is divided by them. A negative number that
/// comes up on the way is a symbol too. Overflowing or too large results are TENON_DIM_UNKNOWN.
class SymbolTable {
 public:
  /// Dimension (<= -2) of a named symbol.
  int64_t named(std::string_view name);
  /// A new symbol that equals no other ("_0", "_1", ...; never a name in use).
  int64_t fresh();
  /// Canonical text of a dimension: "N", "2*N + 1", "floor((N + 1) / 2)", "7", "?". Does not depend on the order in which symbols were made.
  std::string text(int64_t dim) const;
  /// Inverse of text() (also for names that text() quotes); TENON_DIM_UNKNOWN for "?"; 0 <= r or <= -1; sets *ok false on a syntax error.
  int64_t parse(std::string_view text, bool* ok);
  /// a op b (TENON_DIM_*); numbers are folded, unknown in gives unknown out.
  int64_t apply(int32_t op, int64_t a, int64_t b);
  /// Value of a dimension when names have values (missing name, negative value: TENON_DIM_UNKNOWN).
  int64_t evaluate(int64_t dim, const std::map<std::string, int64_t, std::less<>>& values) const;
  /// Names that the expression holds, sorted.
  std::vector<std::string> names_of(int64_t dim) const;
  /// Is it a number >= 0, unknown, or a symbol of this table?
  bool valid(int64_t dim) const { return dim >= TENON_DIM_UNKNOWN || index(dim) < polys_.size(); }

 private:
  /// Sorted atom numbers with repetition; empty for the constant term.
  using Monomial = std::vector<int32_t>;
  /// Degree first, then the atoms: an order that multiplication keeps, so polynomials can be divided.
  struct MonomialOrder {
    bool operator()(const Monomial& a, const Monomial& b) const { return a.size() != b.size() ? a.size() > b.size() : a < b; }
  };
  /// Monomial -> coefficient, no zero coefficients.
  using Poly = std::map<Monomial, int64_t, MonomialOrder>;
  struct Atom {
    int32_t op = 0;  ///< 0 = name, else TENON_DIM_FLOORDIV, CEILDIV, MIN, MAX
    std::string name;
    int64_t a = 0, b = 0;  ///< operands as dimensions; negative numbers are symbols
    uint64_t size = 1;     ///< of the whole expression, in atoms
  };
  class Parser;
  static constexpr size_t kMaxTerms = 64, kMaxDegree = 32;
  static constexpr uint64_t kMaxSize = 256;
  std::vector<Atom> atoms_;
  std::vector<Poly> polys_;  ///< symbol k is dimension -(k + 2)
  std::map<Poly, int64_t> by_poly_;
  std::unordered_map<std::string, int32_t> by_name_;  ///< atom numbers
  std::map<std::tuple<int32_t, int64_t, int64_t>, int32_t> by_operands_;
  uint64_t fresh_ = 0;

  static uint64_t index(int64_t dim) { return static_cast<uint64_t>(-(dim + 2)); }
  // Static helpers set nothing and return false when a coefficient overflows.
  static Poly number(int64_t n) { return n ? Poly{{Monomial{}, n}} : Poly{}; }
  static bool add(Poly& to, const Poly& p, int64_t factor);
  static bool multiply(const Poly& a, const Poly& b, Poly* out);
  static bool divide(Poly a, const Poly& b, Poly* quotient);
  static bool is_number(const Poly& p, int64_t* n);

  Poly poly(int64_t dim) const;
  uint64_t size(const Poly& p) const;
  bool not_negative(const Poly& p) const;
  int64_t intern(const Poly& p);
  int32_t name_atom(std::string_view name);
  bool atom(int32_t op, const Poly& a, const Poly& b, Poly* out);
  bool combine(int32_t op, const Poly& a, const Poly& b, Poly* out);
  bool floordiv(const Poly& a, const Poly& b, Poly* out);
  bool floordiv_number(const Poly& a, int64_t b, Poly* out);
  bool floordiv_symbol(const Poly& a, const Poly& b, Poly* out);
  bool ceildiv(const Poly& a, const Poly& b, Poly* out);
  bool min_max(int32_t op, const Poly& a, const Poly& b, Poly* out);
  std::string text(const Poly& p) const;
  std::string text_of_atom(int32_t a) const;
  bool evaluate(const Poly& p, const std::map<std::string, int64_t, std::less<>>& values, int64_t* out) const;
  bool evaluate_atom(const Atom& a, const std::map<std::string, int64_t, std::less<>>& values, int64_t* out) const;
  void collect_names(const Poly& p, std::vector<std::string>* out) const;
};

}  // namespace tenon::core
