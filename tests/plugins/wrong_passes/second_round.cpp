// SPDX-License-Identifier: Apache-2.0
// wrong/second-round: Neg becomes Abs where its input is made by an Identity that wrong/prepare put there, so only in the round after that.
#include <tenon/rewriter.hpp>

namespace {
using namespace tenon;

bool abs_of_prepared(Rewriter& r, tenon_node n) {
  const tenon_node before = r.made_by(r.g.input(n, 0), "Identity");
  if (!before || r.g.name(before) != "prepared") return false;
  r.replace(n, {"Abs", {r.g.input(n, 0)}});
  return true;
}
bool prepare(Rewriter& r, tenon_node n) {
  const tenon_value x = r.g.input(n, 0);
  if (r.made_by(x, "Identity")) return false;
  const tenon_value copy = r.emit(n, "Identity", {x});
  r.g.copy_type(copy, x);
  ok(api().ir->set_name(r.ctx.raw(), r.g.raw(), r.g.producer(copy), 0, str("prepared")));
  r.set_inputs(n, {copy});
  return true;
}
uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"Neg"}, abs_of_prepared, "abs"}}).run(); }
uint64_t run_prepare(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"Neg"}, prepare, "prepare"}}).run(); }

}  // namespace

TENON_PASS("wrong/second-round", R"("class":"exact","summary":"Abs for Neg","options":{"type":"object","properties":{},"additionalProperties":false})", run);
TENON_PASS("wrong/prepare", R"("class":"exact","summary":"puts an Identity before Neg; right by itself","options":{"type":"object","properties":{},"additionalProperties":false})", run_prepare);
