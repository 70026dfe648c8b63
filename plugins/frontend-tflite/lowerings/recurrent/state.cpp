// SPDX-License-Identifier: Apache-2.0
#include "state.hpp"

namespace tenon::tflite::recurrent {
namespace {

/// Adds a node without outputs before the lowered one.
void add_effect(Lower& l, std::string_view op, const Values& in, const AttrList& attrs) {
  tenon_node origin = l.node();
  tenon_node_desc d{};
  d.struct_size = sizeof d;
  d.op = Graph::op(op);
  d.name = str(l.name());
  d.in = in.data();
  d.n_in = in.size();
  d.attr = attrs.data();
  d.n_attr = attrs.size();
  d.origin = &origin;
  d.n_origin = 1;
  d.before = l.node();
  const tenon_node_desc* p = &d;
  tenon_node n{};
  tenon_value none{};
  ok(api().ir->add_nodes(l.graph().ctx(), l.graph().raw(), 1, &p, &n, &none));
}

/// Nodes that are not lowered yet stand behind this one and see the new contents.
void show_to_later_nodes(Lower& l, tenon_value old, tenon_value next) {
  for (tenon_node n : l.graph().uses(old)) {
    if (n == l.node() || Graph::op_name(l.graph().op(n)).domain.substr(0, 6) != "tflite" || l.graph().graph_of(n) != l.graph().graph_of(l.node())) continue;
    auto in = l.graph().inputs(n).vec();
    for (auto& v : in)
      if (v == old) v = next;
    l.graph().set_inputs(n, in);
  }
}

}  // namespace

void assign_state(Lower& l, uint64_t k, tenon_value next) {
  const tenon_value old = l.in(k);
  const tenon_node maker = l.graph().producer(old);
  if (!maker) return;
  if (Graph::op_name(l.graph().op(maker)).name == "ReadVariable") {
    const std::string variable = l.graph().attrs(maker).s("variable");
    add_effect(l, "AssignVariable", {next, old}, AttrList{}.set("variable", variable));
  }
  show_to_later_nodes(l, old, next);
}

namespace {

tenon_value input_like(Build& inner, const Build& outer, tenon_value v, int32_t rank) {
  const Dims dims(static_cast<size_t>(rank), TENON_DIM_UNKNOWN);
  return inner.graph().add_input("", outer.info(v).type(), dims);
}

}  // namespace

Step over_sequence(Build& b, const Values& states, tenon_value sequence, int64_t axis, bool reverse, const StepFn& step) {
  Build inner = b.nested("step");
  Values own;
  for (tenon_value s : states) own.push_back(input_like(inner, b, s, 2));
  const Step made = step(inner, own, input_like(inner, b, sequence, 2));
  Values out = made.states, in = states;
  out.push_back(made.output);
  inner.graph().set_outputs(out);
  in.push_back(sequence);
  AttrList a;
  auto one = [](int64_t v) { return std::vector<int64_t>{v}; };
  a.add("body", inner.graph().raw()).add("num_scan_inputs", 1).add("scan_input_axes", one(axis)).add("scan_output_axes", one(axis));
  if (reverse) a.add("scan_input_directions", one(1)).add("scan_output_directions", one(1));
  Values r = b.emit_n("Scan", in, a, states.size() + 1);
  const tenon_value output = r.back();
  r.pop_back();
  return {std::move(r), output};
}

}  // namespace tenon::tflite::recurrent
