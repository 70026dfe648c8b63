// SPDX-License-Identifier: Apache-2.0
// wrong/corrupt-constant: copies the constant operands of every Mul; the last element of the copy for the node named by the option is off by
// a thousandth. It walks the graph itself.
#include <tenon/plugin.hpp>
#include <tenon/rewriting.hpp>

namespace {
using namespace tenon;

uint64_t run(const Ctx& ctx, Graph& g) {
  const std::string wrong = ctx.option("/node", std::string());
  const RewriteCount count(ctx);
  uint64_t made = 0;
  for (tenon_node n : g.nodes()) {
    if (g.op(n) != Graph::op("Mul") || !g.is_constant(g.input(n, 1)) || g.info(g.input(n, 1)).type() != dt::f32) continue;
    const ValueInfo c = g.info(g.input(n, 1));
    if (c.name().substr(0, 4) == "copy") continue;
    if (!count.may_rewrite(g.raw(), n, "copy")) break;
    const auto bytes = g.constant_bytes(g.input(n, 1));
    std::vector<float> data(bytes.size() / sizeof(float));
    std::memcpy(data.data(), bytes.data(), bytes.size());
    if (g.name(n) == wrong && !data.empty()) data.back() *= 1.001f;
    g.set_input(n, 1, g.add_constant<float>("copy of " + std::string(c.name()), c.dims(), data.data()));
    count.rewritten();
    ++made;
  }
  return made;
}

}  // namespace

TENON_PASS("wrong/corrupt-constant",
           R"("class":"reassociating","summary":"copies constants, one of them badly","options":{"type":"object","properties":{"node":{"type":"string","default":""}},"additionalProperties":false})", run);
