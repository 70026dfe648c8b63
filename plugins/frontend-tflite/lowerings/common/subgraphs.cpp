// SPDX-License-Identifier: Apache-2.0
#include "subgraphs.hpp"

#include <algorithm>
#include <unordered_map>

namespace tenon::tflite {
namespace {

// Copies of graphs that are copied again double at each level.
constexpr int kMaxCopiedDepth = 3;

// Levels of graphs inside g, counted up to `most` + 1.
int nesting(const Graph& g, int most) {
  if (most < 0) return 0;
  int deepest = 0;
  const auto look = [&](tenon_graph* inner) { deepest = std::max(deepest, 1 + nesting(Graph(g.ctx(), inner), most - 1)); };
  const View v = g.view();
  for (uint64_t row = 0; row < v.size(); ++row) {
    if (!(v.v->nflags[row] & TENON_NF_SUBGRAPHS)) continue;
    for (const auto& a : g.attrs(v.node(row)).all()) {
      if (a.type == TENON_AT_GRAPH) look(a.v.graph);
      for (uint64_t k = 0; a.type == TENON_AT_GRAPHS && k < a.count; ++k) look(a.v.graphs[k]);
    }
  }
  return deepest;
}

void check_arity(Graph from, const Values& in) {
  size_t wanted = from.graph_inputs().size();
  if (wanted != in.size()) throw invalid("a subgraph is given another number of inputs than it has").with("expected", std::to_string(wanted)).with("found", std::to_string(in.size()));
  for (tenon_value v : in)
    if (!v) throw invalid("an input of a subgraph is absent");
}

// Copies nodes from one graph to another; values that are not of the copied graph (constants, outer ones) stay the same.
class Copier {
  std::unordered_map<tenon_value, tenon_value> map_;

  tenon_value mapped(tenon_value v) const {
    auto at = map_.find(v);
    return at == map_.end() ? v : at->second;
  }
  tenon_graph* nested(Graph& to, tenon_graph* from) {
    Graph source(to.ctx(), from), copy(to.ctx(), to.add_subgraph("copy"));
    for (tenon_value v : source.graph_inputs()) {
      auto i = source.info(v);
      map_[v] = copy.add_input(i.name(), i.type(), i.rank(), i.dims().data());
      carry_quantization(copy, v, map_[v]);
    }
    nodes(source, copy, 0);
    Values out;
    for (tenon_value v : source.graph_outputs()) out.push_back(mapped(v));
    copy.set_outputs(out);
    return copy.raw();
  }
  void attributes(Graph& to, const Attrs& from, AttrList& a, std::vector<std::vector<tenon_graph*>>& lists) {
    for (const auto& x : from.all()) {
      if (x.type == TENON_AT_GRAPH) {
        a.add(view(x.name), nested(to, x.v.graph));
      } else if (x.type == TENON_AT_GRAPHS) {
        std::vector<tenon_graph*> copies;
        for (uint64_t k = 0; k < x.count; ++k) copies.push_back(nested(to, x.v.graphs[k]));
        lists.push_back(std::move(copies));
        tenon_attr y = x;
        y.v.graphs = lists.back().data();
        a.copy(y);
      } else {
        a.copy(x);
      }
    }
  }
  void node(Graph& source, Graph& to, tenon_node n, tenon_node before) {
    AttrList a;
    std::vector<std::vector<tenon_graph*>> lists;
    attributes(to, source.attrs(n), a, lists);
    Graph::New d;
    d.op = source.op(n);
    d.name = std::string(source.name(n));
    d.attrs = &a;
    d.before = before;
    d.origins = {n};
    for (tenon_value v : source.inputs(n)) d.in.push_back(mapped(v));
    auto outs = source.outputs(n);
    for (tenon_value v : outs) {
      d.out_names.push_back(v ? std::string(source.info(v).name()) : std::string());
      d.out_absent.push_back(v == 0);
    }
    if (outs.empty()) throw unsupported("an operator without outputs in a subgraph that is needed twice");
    auto made = to.outputs(to.add(d));
    for (size_t k = 0; k < outs.size(); ++k) {
      if (!outs[k]) continue;
      map_[outs[k]] = made[k];
      to.copy_type(made[k], outs[k]);
      carry_quantization(to, outs[k], made[k]);
    }
  }

 public:
  void bind(tenon_value from, tenon_value to) { map_[from] = to; }
  void nodes(Graph& source, Graph& to, tenon_node before) {
    for (tenon_node n : source.nodes()) node(source, to, n, before);
  }
  Values results(Graph& source) const {
    Values r;
    for (tenon_value v : source.graph_outputs()) r.push_back(mapped(v));
    return r;
  }
};

// Outputs of a nested graph belong to it: an outer value gets a node.
tenon_value own(Graph& g, tenon_value v, tenon_node before) {
  auto i = g.info(v);
  if (i.graph() == g.raw()) return v;
  Graph::New d;
  d.op = Graph::op("Identity");
  d.in = {v};
  d.before = before;
  return g.output(g.add(d));
}

}  // namespace

Values inline_graph(Graph& g, tenon_graph* from, tenon_node at, const Values& in) {
  Graph source(g.ctx(), from);
  check_arity(source, in);
  Values out(source.graph_outputs().size());
  ok(api().ir->inline_graph(g.ctx(), g.raw(), from, at, in.data(), in.size(), out.data(), out.size()));
  return out;
}

Values inline_copy(Graph& g, tenon_graph* from, tenon_node at, const Values& in) {
  Graph source(g.ctx(), from);
  check_arity(source, in);
  if (nesting(source, kMaxCopiedDepth) > kMaxCopiedDepth) throw unsupported("control flow in the condition of a loop is nested too deeply").with("expected", "at most 3 levels");
  Copier c;
  auto inputs = source.graph_inputs();
  for (size_t k = 0; k < in.size(); ++k) c.bind(inputs[k], in[k]);
  c.nodes(source, g, at);
  return c.results(source);
}

Body::Body(Graph& outer, std::string_view name) : g_(outer.ctx(), outer.add_subgraph(name)) {
  Graph::New d;
  d.op = Graph::op("Identity");
  d.in = {g_.add_scalar<float>("", 0)};
  anchor_ = g_.add(d);
}

tenon_value Body::input_like(std::string_view name, tenon_value v) {
  auto i = g_.info(v);
  tenon_value r = g_.add_input(name, i.type(), i.rank(), i.dims().data());
  carry_quantization(g_, v, r);
  return r;
}

tenon_value Body::input(std::string_view name, tenon_dtype t) { return g_.add_input(name, t, Dims{}); }

tenon_graph* Body::close(const Values& outputs) {
  Values own_outputs;
  for (tenon_value v : outputs) own_outputs.push_back(own(g_, v, anchor_));
  g_.erase(anchor_);
  g_.set_outputs(own_outputs);
  return g_.raw();
}

tenon_graph* closure(Graph& outer, std::string_view name, tenon_graph* from, const Values& in) {
  Body b(outer, name);
  return b.close(inline_graph(b.graph(), from, b.anchor(), in));
}

}  // namespace tenon::tflite
