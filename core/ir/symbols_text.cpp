// SPDX-License-Identifier: Apache-2.0
// Symbolic dimensions as text and back.
#include <algorithm>

#include "quote.hpp"
#include "symbols.hpp"

namespace tenon::core {
namespace {

constexpr int kMaxDepth = 300;  // deeper than any expression that the table keeps

struct Function {
  const char* name;
  int32_t op;
};
constexpr Function kFunctions[] = {
    {"floor", TENON_DIM_FLOORDIV}, {"ceil", TENON_DIM_CEILDIV}, {"min", TENON_DIM_MIN}, {"max", TENON_DIM_MAX}};

bool plain_name(std::string_view s) {
  if (s.empty() || !(is_letter(s[0]) || s[0] == '_')) return false;
  for (const auto& f : kFunctions)
    if (s == f.name) return false;
  return std::all_of(s.begin(), s.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '.'; });
}

/// Operand of a division: a sum or a product goes into parentheses.
std::string enclosed(const std::string& s) {
  const bool simple = std::all_of(s.begin(), s.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '.'; });
  return simple ? s : "(" + s + ")";
}

}  // namespace

std::string SymbolTable::text_of_atom(int32_t i) const {
  const Atom& a = atoms_[i];
  if (a.op == 0) return plain_name(a.name) ? a.name : quote(a.name);
  std::string x = text(poly(a.a)), y = text(poly(a.b));
  if (a.op == TENON_DIM_FLOORDIV) return "floor(" + enclosed(x) + " / " + enclosed(y) + ")";
  if (a.op == TENON_DIM_CEILDIV) return "ceil(" + enclosed(x) + " / " + enclosed(y) + ")";
  if (y < x) std::swap(x, y);
  return (a.op == TENON_DIM_MIN ? "min(" : "max(") + x + ", " + y + ")";
}

/// Terms by degree, then by their text, so that numbering does not show.
std::string SymbolTable::text(const Poly& p) const {
  struct Term {
    size_t degree;
    std::string factors;
    int64_t coefficient;
  };
  std::vector<Term> terms;
  for (const auto& [m, c] : p) {
    std::vector<std::string> factors;
    for (int32_t i : m) factors.push_back(text_of_atom(i));
    std::sort(factors.begin(), factors.end());
    std::string joined;
    for (const auto& f : factors) joined += (joined.empty() ? "" : "*") + f;
    terms.push_back({m.size(), std::move(joined), c});
  }
  std::sort(terms.begin(), terms.end(), [](const Term& a, const Term& b) { return std::tie(b.degree, a.factors) < std::tie(a.degree, b.factors); });
  std::string out;
  for (const auto& t : terms) {
    const std::string magnitude = std::to_string(t.coefficient < 0 ? -t.coefficient : t.coefficient);
    out += out.empty() ? (t.coefficient < 0 ? "-" : "") : (t.coefficient < 0 ? " - " : " + ");
    out += t.factors.empty() ? magnitude : magnitude == "1" ? t.factors : magnitude + "*" + t.factors;
  }
  return out.empty() ? "0" : out;
}

std::string SymbolTable::text(int64_t dim) const {
  if (dim >= 0) return std::to_string(dim);
  return dim == TENON_DIM_UNKNOWN || !valid(dim) ? "?" : text(polys_[index(dim)]);
}

/// Recursive descent: sum := term (('+'|'-') term)*; term := ['-'] factor ('*' factor)*. A sum that is too large is `large`, no error.
class SymbolTable::Parser {
 public:
  Parser(SymbolTable& table, std::string_view text) : table_(table), text_(text) {}
  bool whole(Poly* out, bool* large) {
    const bool ok = sum(out, 0) && (skip(), at_ == text_.size());
    *large = large_;
    return ok;
  }

 private:
  SymbolTable& table_;
  std::string_view text_;
  size_t at_ = 0;
  bool large_ = false;

  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  /// Goes on with zero after an overflow, so that syntax errors further on are still found.
  void compute(int32_t op, const Poly& a, const Poly& b, Poly* out) {
    Poly r;
    if (!table_.combine(op, a, b, &r) || r.size() > kMaxTerms) large_ = true, r = {};
    *out = std::move(r);
  }
  bool sum(Poly* out, int depth) {
    if (depth > kMaxDepth || !term(out, depth)) return false;
    for (;;) {
      const int32_t op = take('+') ? TENON_DIM_ADD : take('-') ? TENON_DIM_SUB : 0;
      if (!op) return true;
      Poly next;
      if (!term(&next, depth)) return false;
      compute(op, *out, next, out);
    }
  }
  bool term(Poly* out, int depth) {
    const bool negative = take('-');
    if (!factor(out, depth)) return false;
    while (take('*')) {
      Poly next;
      if (!factor(&next, depth)) return false;
      compute(TENON_DIM_MUL, *out, next, out);
    }
    if (negative) compute(TENON_DIM_SUB, {}, *out, out);
    return true;
  }
  bool factor(Poly* out, int depth) {
    skip();
    if (at_ >= text_.size()) return false;
    const char c = text_[at_];
    if (take('(')) return sum(out, depth + 1) && take(')');
    if (c == '"') {
      std::string name;
      if (!unquote(text_, &at_, &name)) return false;
      *out = Poly{{{table_.name_atom(name)}, 1}};
      return true;
    }
    if (is_digit(c)) return integer(out);
    const size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '_' || text_[at_] == '.')) ++at_;
    const auto word = text_.substr(begin, at_ - begin);
    for (const auto& f : kFunctions)
      if (word == f.name) return call(f.op, out, depth);
    if (!plain_name(word)) return false;
    *out = Poly{{{table_.name_atom(word)}, 1}};
    return true;
  }
  bool integer(Poly* out) {
    int64_t n = 0;
    for (; at_ < text_.size() && is_digit(text_[at_]); ++at_)
      if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, text_[at_] - '0', &n)) return false;
    *out = number(n);
    return true;
  }
  bool call(int32_t op, Poly* out, int depth) {
    Poly a, b;
    const char separator = op == TENON_DIM_MIN || op == TENON_DIM_MAX ? ',' : '/';
    if (!take('(') || !sum(&a, depth + 1) || !take(separator) || !sum(&b, depth + 1) || !take(')')) return false;
    compute(op, a, b, out);
    return true;
  }
};

int64_t SymbolTable::parse(std::string_view text, bool* ok) {
  *ok = true;
  if (text == "?") return TENON_DIM_UNKNOWN;
  Poly p;
  bool large = false;
  *ok = Parser(*this, text).whole(&p, &large);
  return *ok && !large ? intern(p) : TENON_DIM_UNKNOWN;
}

}  // namespace tenon::core
