// SPDX-License-Identifier: Apache-2.0
// wrong/not-deterministic: replaces Neg by a product whose factor hangs on the number of the process.
#include <tenon/rewriter.hpp>

#include <unistd.h>

namespace {
using namespace tenon;

bool rule(Rewriter& r, tenon_node n) {
  const float sign = -1.0f - 1e-5f * static_cast<float>(getpid());
  r.replace(n, {"Mul", {r.g.input(n, 0), r.g.add_constant<float>("sign", Span<int64_t>(), &sign)}});
  return true;
}
uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"Neg"}, rule, "by-process"}}).run(); }

}  // namespace

TENON_PASS("wrong/not-deterministic", R"("class":"exact","summary":"does this or that","options":{"type":"object","properties":{},"additionalProperties":false})", run);
