// SPDX-License-Identifier: Apache-2.0
// control.cpp - operators that run subgraphs. The IR's graphs use outer values; TFLite's subgraphs are given all that they need.
#include "lowerings/common/subgraphs.hpp"

namespace tenon::tflite {
namespace {

Values inputs_from(const Lower& l, uint64_t first) {
  Values v;
  for (uint64_t k = first; k < l.n_in(); ++k) v.push_back(need(l, k));
  return v;
}

std::vector<bool> wanted(const Lower& l) {
  std::vector<bool> r;
  for (uint64_t k = 0; k < l.n_out(); ++k) r.push_back(l.has_out(k));
  return r;
}

void call(Lower& l, std::string_view attribute) {
  Values out = inline_graph(l.graph(), attr_graph(l, attribute), l.node(), inputs_from(l, 0));
  if (out.size() < l.n_out()) throw invalid("a subgraph has fewer outputs than its call").with("expected", std::to_string(l.n_out())).with("found", std::to_string(out.size()));
  out.resize(l.n_out());
  l.done(out);
}

void lower_call(Lower& l) {
  known(l, {"subgraph"});
  call(l, "subgraph");
}
TFLITE_LOWERING("CALL", lower_call);

// The composite's name and attributes say what its decomposition computes; the decomposition is what runs.
void lower_composite(Lower& l) {
  known(l, {"name", "decomposition_subgraph", "composite_attributes", "composite_attributes_format", "version"});
  call(l, "decomposition_subgraph");
}
TENON_LOWERING("tflite", "STABLEHLO_COMPOSITE", 1, lower_composite);

tenon_value truth(Lower& l, tenon_value v) {
  if (type_of(l, v) != dt::boolean) throw invalid("a condition must be a boolean").with("found", dtype_name(l.info(v).type()));
  return l.info(v).rank() == 0 ? v : l.emit("Reshape", {v, l.ints({})});
}

void lower_if(Lower& l) {
  known(l, {"then_subgraph", "else_subgraph"});
  tenon_graph *then_graph = attr_graph(l, "then_subgraph"), *else_graph = attr_graph(l, "else_subgraph");
  tenon_value c = truth(l, need(l, 0));
  Values in = inputs_from(l, 1);
  AttrList a;
  a.add("then_branch", closure(l.graph(), "then", then_graph, in));
  a.add("else_branch", closure(l.graph(), "else", else_graph, in));
  finish(l, l.emit_n("If", {c}, a, l.n_out(), wanted(l)));
}
TFLITE_LOWERING("IF", lower_if);

// Loop's body gives the condition of the next round; TFLite asks before each round. So the condition stands before the loop and in
// its body.
void lower_loop(Lower& l, std::string_view condition, std::string_view body_name) {
  Graph& g = l.graph();
  tenon_graph *cond = attr_graph(l, condition), *body = attr_graph(l, body_name);
  Values in = inputs_from(l, 0), first = inline_copy(g, cond, l.node(), in);
  if (first.size() != 1) throw invalid("the condition of a loop has one output").with("found", std::to_string(first.size()));
  Body loop(g, "body");
  loop.input("iteration", dt::i64);
  loop.input("condition", dt::boolean);
  Values states;
  auto declared = Graph(g.ctx(), body).graph_inputs();
  for (size_t k = 0; k < declared.size(); ++k) states.push_back(loop.input_like("state_" + std::to_string(k), declared[k]));
  Values next = inline_graph(loop.graph(), body, loop.anchor(), states);
  if (next.size() != in.size()) throw invalid("the body of a loop gives another number of values than it takes").with("expected", std::to_string(in.size())).with("found", std::to_string(next.size()));
  Values out = inline_graph(loop.graph(), cond, loop.anchor(), next);
  out.insert(out.end(), next.begin(), next.end());
  AttrList a;
  a.add("body", loop.close(out));
  Values args{0, first[0]};
  args.insert(args.end(), in.begin(), in.end());
  if (l.n_out() > in.size()) throw invalid("a loop has more outputs than inputs");
  std::vector<bool> want = wanted(l);
  want.resize(in.size(), true);
  Values made = l.emit_n("Loop", args, a, in.size(), want);
  made.resize(l.n_out());
  finish(l, made);
}

void lower_while(Lower& l) {
  known(l, {"cond_subgraph", "body_subgraph"});
  lower_loop(l, "cond_subgraph", "body_subgraph");
}
TFLITE_LOWERING("WHILE", lower_while);
TENON_LOWERING("tflite", "STABLEHLO_WHILE", 1, lower_while);

// If with branch k for index k in it, and in its other branch the next one; every index that is no branch's runs the last.
Values case_branch(Graph& g, tenon_node at, const tenon_attr& branches, uint64_t k, tenon_value index, const Values& in, uint64_t n_out) {
  if (k + 1 == branches.count) return inline_graph(g, branches.v.graphs[k], at, in);
  auto add = [&](std::string_view op, const Values& v, const AttrList* a, size_t n) {
    Graph::New d;
    d.op = Graph::op(op);
    d.in = v;
    d.attrs = a;
    d.before = at;
    d.out_names.resize(n);
    return g.outputs(g.add(d)).vec();
  };
  tenon_value here = add("Equal", {index, g.add_scalar<int32_t>("", static_cast<int32_t>(k))}, nullptr, 1)[0];
  Body other(g, "branch");
  AttrList a;
  a.add("then_branch", closure(g, "branch", branches.v.graphs[k], in));
  a.add("else_branch", other.close(case_branch(other.graph(), other.anchor(), branches, k + 1, index, in, n_out)));
  return add("If", {here}, &a, n_out);
}

void lower_case(Lower& l) {
  known(l, {"branch_subgraphs"});
  const tenon_attr* branches = l.find("branch_subgraphs");
  constexpr uint64_t kMostBranches = 32;  // each is nested in the one before
  if (!branches || branches->type != TENON_AT_GRAPHS || branches->count < 1) throw invalid("a case has no branches");
  if (branches->count > kMostBranches) throw unsupported("a case has too many branches").with("expected", "at most 32").with("found", std::to_string(branches->count));
  tenon_value index = l.emit("Reshape", {cast(l, need(l, 0), dt::i32), l.ints({})});
  l.done(case_branch(l.graph(), l.node(), *branches, 0, index, inputs_from(l, 1), l.n_out()));
}
TENON_LOWERING("tflite", "STABLEHLO_CASE", 1, lower_case);

}  // namespace
}  // namespace tenon::tflite
