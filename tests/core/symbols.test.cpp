// SPDX-License-Identifier: Apache-2.0
#include "core/ir/symbols.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>

using tenon::core::SymbolTable;

namespace {

constexpr int32_t kOps[] = {TENON_DIM_ADD, TENON_DIM_SUB, TENON_DIM_MUL, TENON_DIM_FLOORDIV, TENON_DIM_CEILDIV, TENON_DIM_MIN, TENON_DIM_MAX};

int64_t parsed(SymbolTable& t, const char* s) {
  bool ok = false;
  const int64_t d = t.parse(s, &ok);
  INFO(s);
  CHECK(ok);
  return d;
}
std::string normal(const char* s) {
  SymbolTable t;
  return t.text(parsed(t, s));
}
bool refused(const char* s) {
  SymbolTable t;
  bool ok = true;
  t.parse(s, &ok);
  return !ok;
}

/// What op means on numbers; false where it means nothing.
bool plain(int32_t op, int64_t a, int64_t b, int64_t* r) {
  const auto floor = [](int64_t x, int64_t y) { return x / y - (x % y != 0 && (x < 0) != (y < 0)); };
  switch (op) {
    case TENON_DIM_ADD: return *r = a + b, true;
    case TENON_DIM_SUB: return *r = a - b, true;
    case TENON_DIM_MUL: return *r = a * b, true;
    case TENON_DIM_FLOORDIV: return b != 0 && (*r = floor(a, b), true);
    case TENON_DIM_CEILDIV: return b != 0 && (*r = -floor(-a, b), true);
    case TENON_DIM_MIN: return *r = std::min(a, b), true;
    default: return *r = std::max(a, b), true;
  }
}

/// A random expression, symbolic and with numbers at the same time.
struct Both {
  int64_t dim = 0, value = 0;
  bool defined = true;
};
Both random_expression(SymbolTable& t, const std::map<std::string, int64_t, std::less<>>& values) {
  std::vector<Both> all;
  for (const auto& [name, value] : values) all.push_back({t.named(name), value});
  for (int64_t n : {0, 1, 2, 3, 7}) all.push_back({n, n});
  for (int step = *rc::gen::inRange(1, 9); step > 0; --step) {
    const Both a = all[*rc::gen::inRange<size_t>(0, all.size())], b = all[*rc::gen::inRange<size_t>(0, all.size())];
    const int32_t op = kOps[*rc::gen::inRange<size_t>(0, std::size(kOps))];
    Both c;
    c.dim = t.apply(op, a.dim, b.dim);
    c.defined = a.defined && b.defined && plain(op, a.value, b.value, &c.value) && std::abs(c.value) < 1 << 20;
    if (!c.defined) c.value = 1;
    all.push_back(c);
  }
  return all.back();
}
std::map<std::string, int64_t, std::less<>> random_values() {
  std::map<std::string, int64_t, std::less<>> v;
  for (const char* name : {"A", "B", "C"}) v[name] = *rc::gen::inRange<int64_t>(1, 40);
  return v;
}

}  // namespace

TEST_CASE("symbols: equal expressions are equal numbers") {
  SymbolTable t;
  const int64_t n = t.named("N"), m = t.named("M");
  CHECK(n <= -2);
  CHECK(t.named("N") == n);
  CHECK(n != m);
  CHECK(t.apply(TENON_DIM_ADD, n, m) == t.apply(TENON_DIM_ADD, m, n));
  CHECK(t.apply(TENON_DIM_FLOORDIV, t.apply(TENON_DIM_MUL, n, 4), 4) == n);
  CHECK(t.apply(TENON_DIM_SUB, t.apply(TENON_DIM_ADD, n, m), m) == n);
  CHECK(t.apply(TENON_DIM_SUB, n, n) == 0);
  CHECK(t.apply(TENON_DIM_MUL, n, 0) == 0);
  CHECK(t.apply(TENON_DIM_FLOORDIV, t.apply(TENON_DIM_MUL, n, m), n) == m);
  CHECK(t.apply(TENON_DIM_CEILDIV, n, 2) == parsed(t, "floor((N + 1) / 2)"));
  CHECK(parsed(t, "floor((floor((N + 1) / 2) + 1) / 2)") == parsed(t, "floor((N + 3) / 4)"));
  CHECK(parsed(t, "floor((N - 1) / 2) + 1") == parsed(t, "floor((N + 1) / 2)"));
  CHECK(parsed(t, "floor((N*M*768 + M*768) / ((N + 1)*12))") == parsed(t, "64*M"));
}

TEST_CASE("symbols: simplified text") {
  CHECK(normal("1 + N*2") == "2*N + 1");
  CHECK(normal("N*M + M*N - 3") == "2*M*N - 3");
  CHECK(normal("floor((2*N + 1) / 2)") == "N");
  CHECK(normal("floor((5*N + 3) / 4)") == "N + floor((N + 3) / 4)");
  CHECK(normal("floor((2*N + 3) / 4)") == "floor((N + 1) / 2)");
  CHECK(normal("min(N, N)") == "N");
  CHECK(normal("min(N, N + M)") == "N");
  CHECK(normal("max(N, 0)") == "N");
  CHECK(normal("min(N, 9223372036854775807)") == "N");
  CHECK(normal("min(N, M)") == normal("min(M, N)"));
  CHECK(normal("min(min(N, M), M)") == "min(M, N)");
  CHECK(normal("-3 + 5") == "2");
  CHECK(normal("3 - 5") == "-2");
  CHECK(normal("floor(-1 / 2)") == "-1");
  CHECK(normal("\"a b\" + \"floor\"") == "\"a b\" + \"floor\"");
  CHECK(normal("?") == "?");
}

TEST_CASE("symbols: what cannot be said is unknown") {
  SymbolTable t;
  const int64_t n = t.named("N");
  CHECK(t.apply(TENON_DIM_ADD, n, TENON_DIM_UNKNOWN) == TENON_DIM_UNKNOWN);
  CHECK(t.apply(TENON_DIM_FLOORDIV, n, 0) == TENON_DIM_UNKNOWN);
  CHECK(t.apply(TENON_DIM_MUL, INT64_MAX, 2) == TENON_DIM_UNKNOWN);
  CHECK(t.apply(TENON_DIM_ADD, -1000, 1) == TENON_DIM_UNKNOWN);
  CHECK(t.apply(99, n, 1) == TENON_DIM_UNKNOWN);
  int64_t sum = 0;
  for (int k = 0; k < 100; ++k) sum = t.apply(TENON_DIM_ADD, sum, t.fresh());
  CHECK(sum == TENON_DIM_UNKNOWN);
  CHECK(t.evaluate(n, {}) == TENON_DIM_UNKNOWN);
}

TEST_CASE("symbols: a fresh symbol has a name of its own") {
  SymbolTable t;
  const int64_t taken = t.named("_0");
  CHECK(t.fresh() != taken);
  CHECK(t.text(t.fresh()) == "_2");
}

TEST_CASE("symbols: malformed text is refused") {
  for (const char* s : {"", " ", "N +", "floor(N)", "min(1)", "(N", "N)", "2N", "1 2", "99999999999999999999", "\"open", "min", "a-b-", "*", "N / 2"}) {
    INFO(s);
    CHECK(refused(s));
  }
  CHECK(refused((std::string(100000, '(') + "N").c_str()));
}

TEST_CASE("symbols: expressions mean what their parts mean") {
  CHECK(rc::check([] {
    SymbolTable t;
    const auto values = random_values();
    const Both e = random_expression(t, values);
    if (!e.defined || e.value < 0 || e.dim == TENON_DIM_UNKNOWN) return;
    RC_ASSERT(t.evaluate(e.dim, values) == e.value);
  }));
}

TEST_CASE("symbols: text reads back as the same expression, in any table") {
  CHECK(rc::check([] {
    SymbolTable t, other;
    const Both e = random_expression(t, random_values());
    const std::string text = t.text(e.dim);
    bool ok = false, ok_other = false;
    RC_ASSERT(t.parse(text, &ok) == e.dim);
    RC_ASSERT(ok);
    other.named("C");
    const int64_t d = other.parse(text, &ok_other);
    RC_ASSERT(ok_other);
    RC_ASSERT(other.text(d) == text);
  }));
}
