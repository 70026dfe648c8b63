// SPDX-License-Identifier: Apache-2.0
// wrong/endless: two rules that undo each other, so the Rewriter's cap is hit. wrong/hang: one that never returns.
#include <tenon/rewriter.hpp>

#include <unistd.h>

namespace {
using namespace tenon;

bool to_sub(Rewriter& r, tenon_node n) {
  const tenon_value negative = r.emit(n, "Neg", {r.g.input(n, 1)});
  r.g.copy_type(negative, r.g.input(n, 1));
  r.replace(n, {"Sub", {r.g.input(n, 0), negative}});
  return true;
}
bool to_add(Rewriter& r, tenon_node n) {
  const tenon_node negative = r.made_by(r.g.input(n, 1), "Neg");
  if (!negative) return false;
  r.replace(n, {"Add", {r.g.input(n, 0), r.g.input(negative, 0)}});
  return true;
}
uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"Add"}, to_sub, "to-sub"}, {{"Sub"}, to_add, "to-add"}}).run(); }

uint64_t run_hang(const Ctx&, Graph& g) {
  for (tenon_node n : g.nodes())
    while (g.op(n) == Graph::op("Abs")) usleep(1000);
  return 0;
}

}  // namespace

TENON_PASS("wrong/endless", R"("class":"exact","summary":"never comes to an end","options":{"type":"object","properties":{},"additionalProperties":false})", run);
TENON_PASS("wrong/hang", R"("class":"exact","summary":"never returns","options":{"type":"object","properties":{},"additionalProperties":false})", run_hang);
