// SPDX-License-Identifier: Apache-2.0
// Two passes for tests of tenon/pattern.hpp: `match-patterns` marks what its patterns match, `break-promise` has a rule that does not
// lower its measure.
#include <tenon/pattern.hpp>
#include <tenon/plugin.hpp>

namespace {

using namespace tenon;
using namespace tenon::pattern;

/// A rule that puts an operator of x in the root's place; one node may replace one.
Rewriter::Entry mark(const char* name, const char* with, const Pattern& root, const Pattern& x, Guard guard = {}) {
  return rule(name, root, std::move(guard), [=](Rewriter&, const Match& m) { return Rewriter::Replacement{with, {m[x]}}; }, Measure{});
}

std::vector<Rewriter::Entry> rules() {
  std::vector<Rewriter::Entry> r;
  const Pattern x = any();
  // commutative at two levels, a number that is close, one use
  r.push_back(mark("halved-exp", "Floor", product(sum(op("Exp", {x}).once(), number(1)), number(0.5)), x));
  // a back-reference, and alternatives with a part that may be missing
  const Pattern y = any();
  const Pattern bounded = either({op("Clip", {y, number(0), absent()}), op("Relu", {y})});
  r.push_back(mark("self-bounded", "Ceil", op("Sub", {y, bounded}), y));
  // any number of inputs, each like a pattern, and an attribute
  const Pattern first = any();
  r.push_back(mark("concat-of-negated", "Sign", op("Concat", {op("Neg", {first})}).rest(op("Neg", {any()})).attr("axis", 1, 0), first));
  // types, ranks and dimensions, and a guard over what matched
  const Pattern z = any("z").type(dt::f32).rank(2).dims({-1, 3});
  r.push_back(mark("guarded", "Round", op("Div", {z, number("divisor")}), z, [](Rewriter& w, const Match& m) { return *scalar(w.g, m["divisor"]) > 2; }));
  // the same name is the same value
  r.push_back(mark("named", "Abs", op("Maximum", {op("Tanh", {any("t")}), op("Sin", {any("t")})}).commutative(), any("t")));
  return r;
}

uint64_t match_patterns(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, rules()).run(); }

uint64_t break_promise(const Ctx& ctx, Graph& g) {
  Rewriter::Entry e{{"Relu"},
                    [](Rewriter& r, tenon_node n) {
                      r.replace(n, {"Abs", {r.emit(n, "Neg", {r.g.input(n, 0)})}});
                      return true;
                    },
                    "two-for-one", Measure::nodes()};
  return Rewriter(ctx, g, {e}).run();
}

TENON_PASS("match-patterns", R"("class":"approximate","summary":"marks what patterns match, for tests","options":{"type":"object","properties":{},"additionalProperties":false})", match_patterns);
TENON_PASS("break-promise", R"("class":"approximate","summary":"does not lower what it promises to, for tests","options":{"type":"object","properties":{},"additionalProperties":false})", break_promise);

}  // namespace

TENON_PLUGIN(R"("id":"test.patterns","version":"1.0.0","vendor":"tests","license":"Apache-2.0")");
