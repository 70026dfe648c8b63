// SPDX-License-Identifier: Apache-2.0
// variables.cpp - VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE, the HASHTABLE operators, and CALL_ONCE, whose subgraph gives variables their
// first values. A handle becomes a constant that holds the variable's name; a hash table is two variables, its keys and its values.
#include "state.hpp"

namespace tenon::tflite::recurrent {
namespace {

/// The variable that a node makes a handle of; empty for other nodes.
std::string made_name(Graph& g, tenon_node n) {
  const auto op = Graph::op_name(g.op(n));
  const Attrs a = g.attrs(n);
  if (op.domain != "tflite") return {};
  if (op.name == "VAR_HANDLE") return "resource " + a.s("container") + "/" + a.s("shared_name");
  return op.name == "HASHTABLE" ? "hashtable " + std::to_string(a.i("table_id")) : std::string();
}
/// The variable that a handle stands for: its node may be lowered or not.
std::string handled_name(Graph& g, tenon_value handle) {
  if (handle && g.is_constant(handle) && g.info(handle).type() == dt::u8) {
    const auto bytes = g.constant_bytes(handle);
    return std::string(bytes.begin(), bytes.end());
  }
  const tenon_node maker = g.producer(handle);
  const std::string name = maker ? made_name(g, maker) : std::string();
  if (name.empty()) throw unsupported("a variable that is handed over between subgraphs is not supported").with("hint", "the operator's first input is no handle of the same subgraph");
  return name;
}
std::string name_of(Lower& l) { return handled_name(l.graph(), need(l, 0)); }

/// A handle: the name as bytes.
void lower_handle(Lower& l) {
  known(l, {"container", "shared_name", "table_id", "key_dtype", "value_dtype"});
  const std::string name = made_name(l.graph(), l.node());
  const Dims size{static_cast<int64_t>(name.size())};
  l.done({l.graph().add_constant<uint8_t>("", size, reinterpret_cast<const uint8_t*>(name.data()))});
}
TENON_LOWERING("tflite", "VAR_HANDLE", 1, lower_handle);
TENON_LOWERING("tflite", "HASHTABLE", 1, lower_handle);

tenon_node make(Lower& l, std::string_view op, const Values& in, const std::string& variable, bool output) {
  const AttrList a = AttrList{}.set("variable", variable);
  tenon_node origin = l.node();
  uint8_t present = 0;
  tenon_str unnamed{};
  tenon_node_desc d{};
  d.struct_size = sizeof d;
  d.op = Graph::op(op);
  d.name = str(l.name());
  d.in = in.data();
  d.n_in = in.size();
  d.attr = a.data();
  d.n_attr = a.size();
  d.origin = &origin;
  d.n_origin = 1;
  d.before = l.node();
  d.out_name = &unnamed;
  d.out_absent = &present;
  d.n_out = output ? 1 : 0;
  const tenon_node_desc* p = &d;
  tenon_node n{};
  tenon_value out{};
  ok(api().ir->add_nodes(l.graph().ctx(), l.graph().raw(), 1, &p, &n, &out));
  return n;
}

/// What the variable holds in front of this node: what was assigned last, or else what was read.
struct Contents {
  tenon_value value = 0, read = 0;
};
Contents contents(Lower& l, const std::string& variable) {
  Contents c;
  Graph& g = l.graph();
  const tenon_op read = Graph::op("ReadVariable"), assign = Graph::op("AssignVariable");
  for (tenon_node n : g.nodes()) {
    if (n == l.node()) break;
    if ((g.op(n) != read && g.op(n) != assign) || g.attrs(n).s("variable") != variable) continue;
    if (g.op(n) == assign) c.value = g.input(n, 0);
    else c.read = g.output(n), c.value = c.value ? c.value : c.read;
  }
  return c;
}
tenon_value current(Lower& l, const std::string& variable) {
  const Contents c = contents(l, variable);
  if (!c.value) throw unsupported("a variable is read that has no value yet").with("found", variable).with("hint", "its first value must come from CALL_ONCE, or be assigned before in the same subgraph");
  return c.value;
}
void assign(Lower& l, const std::string& variable, tenon_value value) {
  Values in(1, value);
  if (const tenon_value read = contents(l, variable).read) in.push_back(read);
  make(l, "AssignVariable", in, variable, false);
}

void lower_read(Lower& l) {
  known(l, {});
  finish(l, {current(l, name_of(l))});
}
TENON_LOWERING("tflite", "READ_VARIABLE", 1, lower_read);

void lower_assign(Lower& l) {
  known(l, {});
  assign(l, name_of(l), need(l, 1));
  l.graph().erase(l.node());
}
TENON_LOWERING("tflite", "ASSIGN_VARIABLE", 1, lower_assign);

void lower_import(Lower& l) {
  known(l, {});
  const std::string name = name_of(l);
  assign(l, name + " keys", need(l, 1));
  assign(l, name + " values", need(l, 2));
  l.graph().erase(l.node());
}
TENON_LOWERING("tflite", "HASHTABLE_IMPORT", 1, lower_import);

void lower_find(Lower& l) {
  known(l, {});
  const std::string name = name_of(l);
  finish(l, {l.emit("HashTable", {need(l, 1), current(l, name + " keys"), current(l, name + " values"), need(l, 2)})});
}
TENON_LOWERING("tflite", "HASHTABLE_FIND", 1, lower_find);

void lower_size(Lower& l) {
  known(l, {});
  const tenon_value n = element_count(l, current(l, name_of(l) + " keys"));
  finish(l, {l.info(l.out(0)).rank() == 0 ? l.emit("Reshape", {n, l.ints({})}) : n});
}
TENON_LOWERING("tflite", "HASHTABLE_SIZE", 1, lower_size);

void set_initial(Lower& l, const std::string& variable, tenon_value value) {
  if (!l.graph().is_constant(value)) throw unsupported("the subgraph of CALL_ONCE computes a variable's first value").with("expected", "a constant").with("found", variable);
  if (contents(l, variable).value) return;
  make(l, "ReadVariable", Values(1, value), variable, true);
}

/// The subgraph's assignments are the variables' first values; it must not do more.
void lower_call_once(Lower& l) {
  known(l, {"init_subgraph"});
  Graph init(l.graph().ctx(), attr_graph(l, "init_subgraph"));
  for (tenon_node n : init.nodes()) {
    const auto op = Graph::op_name(init.op(n));
    const bool foreign = op.domain == "tflite";
    if (foreign && (op.name == "VAR_HANDLE" || op.name == "HASHTABLE")) continue;
    if (foreign && op.name == "ASSIGN_VARIABLE") {
      set_initial(l, handled_name(init, init.input(n, 0)), init.input(n, 1));
    } else if (foreign && op.name == "HASHTABLE_IMPORT") {
      const std::string name = handled_name(init, init.input(n, 0));
      set_initial(l, name + " keys", init.input(n, 1));
      set_initial(l, name + " values", init.input(n, 2));
    } else if (op.name == "AssignVariable") {
      set_initial(l, init.attrs(n).s("variable"), init.input(n, 0));
    } else {
      throw unsupported("the subgraph of CALL_ONCE does more than give variables their first values").with("found", std::string(op.domain) + "::" + std::string(op.name));
    }
  }
  l.graph().erase(l.node());
}
TENON_LOWERING("tflite", "CALL_ONCE", 1, lower_call_once);

}  // namespace
}  // namespace tenon::tflite::recurrent
