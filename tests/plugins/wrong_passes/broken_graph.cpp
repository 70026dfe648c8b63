// SPDX-License-Identifier: Apache-2.0
// wrong/broken-graph: takes away an input that Mul cannot do without, at the second Mul.
#include <tenon/rewriter.hpp>

namespace {
using namespace tenon;

uint64_t run(const Ctx& ctx, Graph& g) {
  int seen = 0;
  return Rewriter(ctx, g, {{{"Mul"},
                            [&](Rewriter& r, tenon_node n) {
                              if (++seen != 2) return false;
                              r.set_inputs(n, {r.g.input(n, 0)});
                              return true;
                            },
                            "forget"}})
      .run();
}

}  // namespace

TENON_PASS("wrong/broken-graph", R"("class":"exact","summary":"leaves out an input","options":{"type":"object","properties":{},"additionalProperties":false})", run);
