// SPDX-License-Identifier: Apache-2.0
// infer-shapes: types and shapes of every value, nested graphs included. Changes no node.
#include <tenon/plugin.hpp>

namespace tenon::passes {
namespace {

uint64_t run(const Ctx& ctx, Graph& g) {
  ok(api().exec->infer(ctx.raw(), g.raw()));
  return 0;
}

}  // namespace

TENON_PASS("infer-shapes",
           R"("class":"exact","summary":"infer element types and shapes of every value","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
