// SPDX-License-Identifier: Apache-2.0
// Call: the outputs of a nested graph, which several calls may share.
#include "control/subgraph.hpp"

namespace tenon::ops {
namespace {

void check_outputs(const Node& node, size_t n) {
  if (n != node.n_out()) fail("the body has another number of outputs than the call", std::to_string(node.n_out()), std::to_string(n));
}

/// The inputs as they are: their contents, where known, are known in the body too.
std::vector<const tenon_tensor*> arguments(const Node& node) {
  std::vector<const tenon_tensor*> r;
  for (uint32_t k = 0; k < node.n_in(); ++k) {
    if (!node.in(k)) throw invalid("an argument of a call is absent").with("found", "input " + std::to_string(k));
    r.push_back(node.in(k).raw());
  }
  return r;
}

void infer(const Node& node) {
  std::vector<ValueType> types;
  for (const tenon_tensor* t : node.infer_graph(required_graph(node, "body"), arguments(node))) types.emplace_back(Tensor(t));
  check_outputs(node, types.size());
  for (uint32_t k = 0; k < node.n_out(); ++k)
    if (node.has_out(k)) types[k].set_out(node, k);
}

void run(const Node& node) {
  const auto results = node.call_graph(required_graph(node, "body"), arguments(node));
  check_outputs(node, results.size());
  for (uint32_t k = 0; k < node.n_out(); ++k)
    if (node.has_out(k)) node.alias_out(k, results[k]);
}

/// The body's nodes in the place of the call.
tenon_error* TENON_CALL expand(tenon_ctx* c, tenon_graph* raw, tenon_node n) TENON_NX {
  return guard(c, [&] {
    Graph g(c, raw);
    const Ids in = g.inputs(n), old = g.outputs(n);
    std::vector<tenon_value> made(old.size());
    ok(api().ir->inline_graph(c, raw, g.attrs(n).graph("body"), n, in.data(), in.size(), made.data(), made.size()));
    g.replace(n, made);
  });
}

constexpr tenon_kernel kReference = make_kernel("reference/tenon::Call", "tenon", "Call", 1, "", nullptr, &run_thunk<run>);
constexpr tenon_operator definition() {
  tenon_operator o = make_operator("tenon::Call", "tenon", "Call", 1, 0, "(inputs*: any) -> (outputs*: any) {body: graph}", &infer_thunk<infer>, &kReference);
  o.expand = &expand;
  return o;
}
constexpr tenon_operator kCall = definition();

TENON_MANIFEST("{\"kind\":\"operator\",\"id\":\"tenon::Call\",\"since\":1}");
TENON_REGISTER(&kCall.h);

}  // namespace
}  // namespace tenon::ops
