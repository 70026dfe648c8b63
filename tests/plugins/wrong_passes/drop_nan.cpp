// SPDX-License-Identifier: Apache-2.0
// wrong/drop-nan: x - x is 0, but not where x is NaN or infinite.
#include <tenon/rewriter.hpp>

namespace {
using namespace tenon;

bool rule(Rewriter& r, tenon_node n) {
  const tenon_value x = r.g.input(n, 0);
  const ValueInfo y = r.g.info(r.g.output(n));
  if (x != r.g.input(n, 1) || y.type() != dt::f32 || !y.is_static()) return false;
  const std::vector<float> zeros(static_cast<size_t>(y.count()));
  const tenon_value c = r.g.add_constant<float>("zeros", y.dims(), zeros.data());
  r.replace(n, {"Add", {c, c}});
  return true;
}
uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"Sub"}, rule, "cancel"}}).run(); }

}  // namespace

TENON_PASS("wrong/drop-nan", R"("class":"exact","summary":"cancels x - x","options":{"type":"object","properties":{},"additionalProperties":false})", run);
