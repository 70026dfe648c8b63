// SPDX-License-Identifier: Apache-2.0
// wrong/swap-operands: touches every Sub, and exchanges the operands of the k-th one only. A rewrite that is right comes before and after.
#include <tenon/rewriter.hpp>

namespace {
using namespace tenon;

uint64_t run(const Ctx& ctx, Graph& g) {
  const int64_t wrong = ctx.option("/k", int64_t{3});
  int64_t seen = 0;
  return Rewriter(ctx, g, {{{"Sub"},
                            [&](Rewriter& r, tenon_node n) {
                              if (r.g.name(n).substr(0, 7) == "touched") return false;
                              const Ids in = r.g.inputs(n);
                              std::vector<tenon_value> operands = in.vec();
                              if (++seen == wrong) std::swap(operands[0], operands[1]);
                              r.replace(n, {"Sub", operands, {}, {}, "touched " + std::string(r.g.name(n))});
                              return true;
                            },
                            "swap"}})
      .run();
}

}  // namespace

TENON_PASS("wrong/swap-operands",
           R"("class":"exact","summary":"exchanges the operands of one Sub","options":{"type":"object","properties":{"k":{"type":"integer","default":3}},"additionalProperties":false})", run);
