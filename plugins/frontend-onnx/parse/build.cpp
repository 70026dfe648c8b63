// SPDX-License-Identifier: Apache-2.0
#include "build.hpp"

#include "attributes.hpp"

namespace tenon::onnx {
namespace {

using Names = std::unordered_map<std::string_view, tenon_value>;

// Names of one graph; what it does not have is looked up in the enclosing one.
struct Scope {
  const Scope* outer = nullptr;
  Names own;
  tenon_value find(std::string_view name) const {
    for (const Scope* s = this; s; s = s->outer)
      if (auto at = s->own.find(name); at != s->own.end()) return at->second;
    return 0;
  }
};

class Builder {
  const Ctx& ctx_;
  const File& file_;
  Ast& ast_;
  Tensors tensors_;
  uint64_t done_ = 0;

  Error twice(const void* at, std::string_view name) const { return file_.bad(at, "value '" + std::string(name) + "' is defined twice"); }

  void define(Scope& s, std::string_view name, tenon_value v, const void* at) {
    if (!s.own.emplace(name, v).second) throw twice(at, name);
  }
  void define(Scope& s, std::string_view name, tenon_value v, const NodeAst& n) {
    if (!s.own.emplace(name, v).second) throw twice(n.at, name).with("node", n.label());
  }

  // An input that is also an initializer has a default value; the default is what counts here.
  void add_inputs(const GraphAst& ast, tenon_graph* g, Scope& s) {
    std::vector<tenon_str> names;
    std::vector<tenon_dtype> types;
    std::vector<int32_t> ranks;
    Dims dims;
    std::vector<const ValueAst*> added;
    for (const auto& v : ast.inputs) {
      if (v.name.empty()) throw file_.bad(v.at, "a graph input has no name");
      if (s.own.count(v.name)) {
        ctx_.log(ast_.ir_version < 4 ? 1 : 2, "input '" + std::string(v.name) + "' has a default value, which is used as a constant");
        continue;
      }
      ValueType t = read_type(file_, v.type, g);
      for (size_t k = 0; k < t.dims.size(); ++k)
        if (t.dims[k] == TENON_DIM_UNKNOWN && !s.outer) t.dims[k] = api().ir->symbol(g, str(std::string(v.name) + "_dim_" + std::to_string(k)));
      names.push_back(str(v.name));
      types.push_back(t.dtype);
      ranks.push_back(t.rank);
      dims.insert(dims.end(), t.dims.begin(), t.dims.end());
      added.push_back(&v);
    }
    std::vector<tenon_value> values(names.size());
    ok(api().ir->add_inputs(ctx_.raw(), g, names.size(), names.data(), types.data(), ranks.data(), dims.data(), values.data()));
    for (size_t k = 0; k < added.size(); ++k) define(s, added[k]->name, values[k], added[k]->at);
  }

  void add_initializer(Graph& g, Scope& s, std::string_view name, const void* at, const Payload& p) {
    if (name.empty()) throw file_.bad(at, "an initializer has no name");
    if (s.own.count(name)) throw twice(at, name);
    define(s, name, g.add_constant(name, p.type, p.dims, p.buffer, p.offset), at);
  }

  tenon_value lookup(const Scope& s, const NodeAst& n, std::string_view name) const {
    if (name.empty()) return 0;
    tenon_value v = s.find(name);
    if (!v) throw file_.bad(n.at, "nothing defines value '" + std::string(name) + "'").with("node", n.label());
    return v;
  }

  void add_node(Graph& g, Scope& s, const NodeAst& n, Attributes& attributes) {
    std::vector<tenon_value> in, made(n.out.size());
    for (auto name : n.in) in.push_back(lookup(s, n, name));
    attributes.clear();
    for (const auto& a : n.attrs) {
      std::vector<tenon_graph*> graphs;
      for (const auto& inner : a.graphs) graphs.push_back(nested(g, s, *inner));
      attributes.add(a, std::move(graphs));
    }
    std::vector<tenon_str> names;
    std::vector<uint8_t> absent;
    for (auto name : n.out) {
      names.push_back(name.empty() ? tenon_str{nullptr, 0} : str(name));
      absent.push_back(name.empty());
    }
    tenon_node_desc d{};
    d.struct_size = sizeof d;
    d.op = Graph::op(n.domain.empty() ? "onnx" : n.domain, n.op, n.version);
    d.name = str(n.name);
    d.in = in.data();
    d.n_in = in.size();
    d.attr = attributes.list().data();
    d.n_attr = attributes.list().size();
    d.out_name = names.data();
    d.n_out = names.size();
    d.out_absent = absent.data();
    const tenon_node_desc* list = &d;
    tenon_node node{};
    ok(api().ir->add_nodes(ctx_.raw(), g.raw(), 1, &list, &node, made.data()));
    for (size_t k = 0; k < made.size(); ++k)
      if (!n.out[k].empty()) define(s, n.out[k], made[k], n);
    if (++done_ % 4096 == 0) ctx_.progress(done_, 0, "nodes");
  }

  tenon_graph* nested(Graph& g, const Scope& outer, const GraphAst& ast) {
    tenon_graph* r = g.add_subgraph(ast.name);
    graph(ast, r, &outer);
    return r;
  }

  // What the file says about values in the middle; it helps where an operator has no inference.
  void annotate(Graph& g, const Scope& s, const std::vector<ValueAst>& values) {
    for (const auto& v : values) {
      auto at = s.own.find(v.name);
      if (at == s.own.end() || !v.type.p || !g.info(at->second).producer()) continue;
      ValueType t = read_type(file_, v.type, g.raw());
      if (t.dtype != dt::none) ok(api().ir->set_type(ctx_.raw(), g.raw(), at->second, t.dtype, t.rank, t.dims.data()));
    }
  }

  // An output that belongs to an enclosing graph, or is an input or a constant, gets a node of its own.
  tenon_value own_output(Graph& g, const Scope& s, const ValueAst& v) {
    auto at = s.own.find(v.name);
    if (at != s.own.end()) return at->second;
    tenon_value outer = s.find(v.name);
    if (!outer) throw file_.bad(v.at, "nothing defines graph output '" + std::string(v.name) + "'");
    Graph::New n;
    auto opset = ast_.opsets.find("");
    n.op = Graph::op("onnx", "Identity", opset == ast_.opsets.end() ? 1 : static_cast<int32_t>(opset->second));
    n.in = {outer};
    n.out_names = {std::string(v.name)};
    return g.output(g.add(n));
  }

  void set_outputs(Graph& g, const Scope& s, const GraphAst& ast) {
    std::vector<tenon_value> values;
    std::vector<std::string> names;
    for (const auto& v : ast.outputs) {
      values.push_back(own_output(g, s, v));
      names.emplace_back(v.name);
    }
    g.set_outputs(values, names);
  }

  void graph(const GraphAst& ast, tenon_graph* raw, const Scope* outer) {
    Graph g(ctx_.raw(), raw);
    Scope s;
    s.outer = outer;
    s.own.reserve(ast.initializers.size() + ast.inputs.size() + ast.nodes.size());
    for (const auto& t : ast.initializers) add_initializer(g, s, t.name, t.at, tensors_.get(t));
    for (const auto& t : ast.sparse_initializers) add_initializer(g, s, t.values.name, t.at, tensors_.get(t));
    add_inputs(ast, raw, s);
    Attributes attributes(ctx_.raw(), raw, file_, ast_, tensors_);
    for (size_t k : run_order(file_, ast)) add_node(g, s, ast.nodes[k], attributes);
    annotate(g, s, ast.values);
    annotate(g, s, ast.outputs);
    set_outputs(g, s, ast);
    if (ast.annotations) ctx_.warn("quantization annotations of " + std::to_string(ast.annotations) + " tensors are not used");
  }

  void describe(tenon_graph* raw) {
    Graph g(ctx_.raw(), raw);
    g.set_metadata("format", "onnx");
    g.set_metadata("ir_version", std::to_string(ast_.ir_version));
    if (!ast_.producer.empty()) g.set_metadata("producer", std::string(ast_.producer) + (ast_.producer_version.empty() ? "" : " ") + std::string(ast_.producer_version));
    if (!ast_.domain.empty()) g.set_metadata("domain", ast_.domain);
    if (ast_.model_version) g.set_metadata("model_version", std::to_string(ast_.model_version));
    if (!ast_.graph.name.empty()) g.set_metadata("graph", ast_.graph.name);
    for (const auto& [domain, version] : ast_.opsets) g.set_metadata("opset " + std::string(domain.empty() ? "ai.onnx" : domain), std::to_string(version));
    for (const auto& [key, value] : ast_.metadata) g.set_metadata("metadata " + std::string(key), value);
  }

 public:
  Builder(const Ctx& ctx, const tenon_source* source, const File& file, Ast& ast) : ctx_(ctx), file_(file), ast_(ast), tensors_(ctx.raw(), source, file) {}
  void run(tenon_graph* g) {
    describe(g);
    graph(ast_.graph, g, nullptr);
    if (tensors_.copied()) ctx_.metric("realigned_bytes", static_cast<double>(tensors_.copied()));
  }
};

}  // namespace

void build(const Ctx& ctx, const tenon_source* source, const File& file, Ast& ast, tenon_graph* g) { Builder(ctx, source, file, ast).run(g); }

}  // namespace tenon::onnx
