// SPDX-License-Identifier: Apache-2.0
// wrong/crash: rewrites every Relu into a Max with zero, and is killed by its own signal at an Abs that reads one of them.
#include <tenon/rewriter.hpp>

#include <csignal>

namespace {
using namespace tenon;

bool relu(Rewriter& r, tenon_node n) {
  const float zero = 0;
  r.replace(n, {"Max", {r.g.input(n, 0), r.g.add_constant<float>("zero", Span<int64_t>(), &zero)}});
  return true;
}
bool crash(Rewriter& r, tenon_node n) {
  if (r.made_by(r.g.input(n, 0), "Max")) std::raise(SIGSEGV);
  return false;
}
uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"Relu"}, relu, "max"}, {{"Abs"}, crash, "crash"}}).run(); }

}  // namespace

TENON_PASS("wrong/crash", R"("class":"exact","summary":"crashes","options":{"type":"object","properties":{},"additionalProperties":false})", run);
