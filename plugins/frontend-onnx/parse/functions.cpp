// SPDX-License-Identifier: Apache-2.0
// functions.cpp - inlines model-local functions and settles the version of every node's operator.
#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "ast.hpp"

namespace tenon::onnx {
namespace {

constexpr int kDeepest = 100;               // calls and nested graphs within each other
constexpr uint64_t kMostInlined = 1000000;  // nodes; a few lines of functions could claim any number
constexpr uint64_t kTextFloor = 64 << 20;   // bytes of names made here: this much, or
constexpr uint64_t kTextFactor = 16;        // this many times the file

// One call being inlined: what the names and attribute references of the function's body mean.
struct Frame {
  const FunctionAst* function = nullptr;
  std::string prefix;
  std::unordered_map<std::string_view, std::string_view> names;
  std::map<std::string_view, const AttributeAst*> attrs;
};

class Expander {
  using Key = std::tuple<std::string_view, std::string_view, std::string_view>;
  const File& file_;
  Ast& ast_;
  const Ctx& ctx_;
  std::map<Key, const FunctionAst*> functions_;
  std::unordered_set<std::string> prefixes_;
  std::set<std::string_view> guessed_;
  uint64_t inlined_ = 0;

  uint64_t text_ = 0;

  std::string_view keep(std::string s) {
    text_ += s.size();
    if (text_ > std::max(kTextFloor, kTextFactor * file_.bytes.n)) throw too_large();
    return ast_.texts.emplace_back(std::move(s));
  }
  Error too_large() const {
    return unsupported("the model's functions expand to an unreasonable size").with("file", file_.path).with("expected", "at most " + std::to_string(kMostInlined) + " nodes");
  }

  int32_t version(const NodeAst& n, const Frame* f) {
    const Opsets* scopes[] = {f ? &f->function->opsets : nullptr, &ast_.opsets};
    for (const Opsets* o : scopes)
      if (o)
        if (auto at = o->find(n.domain); at != o->end()) return static_cast<int32_t>(at->second);
    if (n.domain.empty() && ast_.opsets.empty() && ast_.ir_version < 3) return 1;
    if (n.domain.empty())
      throw file_.bad(n.at, "the model uses operators of ai.onnx, but opset_import does not say which version").with("node", n.label());
    if (guessed_.insert(n.domain).second) ctx_.warn("opset_import has no version for domain '" + std::string(n.domain) + "': 1 is assumed");
    return 1;
  }

  std::string_view rename(Frame& f, std::string_view name) {
    if (name.empty()) return name;
    auto at = f.names.find(name);
    if (at != f.names.end()) return at->second;
    std::string_view fresh = keep(f.prefix + std::string(name));
    f.names.emplace(name, fresh);
    return fresh;
  }

  void rename_graph(Frame& f, GraphAst& g) {
    for (auto* list : {&g.inputs, &g.outputs, &g.values})
      for (auto& v : *list) v.name = rename(f, v.name);
    for (auto& t : g.initializers) t.name = rename(f, t.name);
    for (auto& t : g.sparse_initializers) t.values.name = rename(f, t.values.name);
  }

  // The attribute that takes the place of a: itself, or what the caller gave for the name it refers to. False: none was given.
  bool settle(const NodeAst& n, AttributeAst& a, const Frame* f) {
    if (a.ref.empty()) return true;
    if (!f) throw file_.bad(a.body.p, "attribute '" + std::string(a.name) + "' refers to a function's attribute outside of a function").with("node", n.label());
    auto given = f->attrs.find(a.ref);
    if (given == f->attrs.end()) return false;
    if (a.type && given->second->type != a.type)
      throw file_.bad(a.body.p, "attribute '" + std::string(a.name) + "' is given another kind of value than the function expects").with("node", n.label());
    std::string_view name = a.name;
    a = *given->second;
    a.name = name;
    return true;
  }

  void settle_attributes(NodeAst& n, Frame* f, int depth) {
    std::vector<AttributeAst> kept;
    for (auto& a : n.attrs) {
      bool own = a.ref.empty();
      if (!settle(n, a, f)) continue;
      for (auto& g : a.graphs) {
        if (f && own) {
          g = std::make_shared<GraphAst>(*g);
          rename_graph(*f, *g);
          expand_nodes(g->nodes, f, depth + 1);
        } else if (!f) {
          expand_nodes(g->nodes, nullptr, depth + 1);
        }
      }
      kept.push_back(std::move(a));
    }
    n.attrs = std::move(kept);
  }

  std::string new_prefix(const NodeAst& n) {
    std::string base = n.name.empty() ? std::string(n.op) : std::string(n.name), p = base + "/";
    for (uint64_t k = 2; !prefixes_.insert(p).second; ++k) p = base + "_" + std::to_string(k) + "/";
    return p;
  }

  Frame enter(const NodeAst& n, const FunctionAst& fn) {
    Frame f;
    f.function = &fn;
    f.prefix = new_prefix(n);
    if (n.in.size() > fn.inputs.size() || n.out.size() > fn.outputs.size())
      throw file_.bad(n.at, "the call has more inputs or outputs than function '" + std::string(fn.name) + "'").with("node", n.label());
    for (size_t k = 0; k < fn.inputs.size(); ++k) f.names[fn.inputs[k]] = k < n.in.size() ? n.in[k] : std::string_view();
    for (const auto& a : fn.defaults) f.attrs[a.name] = &a;
    for (const auto& a : n.attrs) {
      bool known = f.attrs.count(a.name) != 0;
      for (auto name : fn.attributes) known = known || name == a.name;
      if (!known) throw file_.bad(n.at, "function '" + std::string(fn.name) + "' has no attribute '" + std::string(a.name) + "'").with("node", n.label());
      f.attrs[a.name] = &a;
    }
    return f;
  }

  // Outputs take the caller's names, but one that is also an input, or is listed before, needs a copy.
  std::vector<NodeAst> bind_outputs(const NodeAst& n, Frame& f) {
    std::vector<NodeAst> copies;
    std::unordered_set<std::string_view> bound;
    for (size_t k = 0; k < n.out.size(); ++k) {
      std::string_view formal = f.function->outputs[k];
      if (n.out[k].empty()) continue;
      bool made_here = bound.insert(formal).second && f.names.emplace(formal, n.out[k]).second;
      if (made_here) continue;
      NodeAst copy;
      copy.op = "Identity";
      copy.name = keep(f.prefix + std::string(formal));
      copy.in = {f.names.at(formal)};
      copy.out = {n.out[k]};
      copy.at = n.at;
      copy.version = version(copy, nullptr);
      copies.push_back(std::move(copy));
    }
    return copies;
  }

  void call(const NodeAst& n, const FunctionAst& fn, std::vector<NodeAst>& to, int depth) {
    if (depth > kDeepest) throw file_.bad(n.at, "function '" + std::string(fn.name) + "' calls itself, or calls are nested deeper than " + std::to_string(kDeepest));
    Frame f = enter(n, fn);
    std::vector<NodeAst> copies = bind_outputs(n, f);
    for (const NodeAst& body : fn.nodes) {
      NodeAst b = body;
      for (auto& s : b.in) s = rename(f, s);
      for (auto& s : b.out) s = rename(f, s);
      b.name = keep(f.prefix + std::string(b.name.empty() ? b.op : b.name));
      expand_node(std::move(b), &f, to, depth);
    }
    for (auto& c : copies) to.push_back(std::move(c));
  }

  void expand_node(NodeAst n, Frame* f, std::vector<NodeAst>& to, int depth) {
    if (f && ++inlined_ > kMostInlined) throw too_large();
    settle_attributes(n, f, depth);
    auto fn = functions_.find({n.domain, n.op, n.overload});
    if (fn != functions_.end()) return call(n, *fn->second, to, depth + 1);
    n.version = version(n, f);
    to.push_back(std::move(n));
  }

  // For nodes of nested graphs inside a function's body: their names are the function's, too.
  void expand_nodes(std::vector<NodeAst>& nodes, Frame* f, int depth) {
    std::vector<NodeAst> out;
    out.reserve(nodes.size());
    for (auto& n : nodes) {
      if (f) {
        for (auto& s : n.in) s = rename(*f, s);
        for (auto& s : n.out) s = rename(*f, s);
        n.name = keep(f->prefix + std::string(n.name.empty() ? n.op : n.name));
      }
      expand_node(std::move(n), f, out, depth);
    }
    nodes = std::move(out);
  }

 public:
  Expander(const File& file, Ast& ast, const Ctx& ctx) : file_(file), ast_(ast), ctx_(ctx) {
    for (const auto& f : ast.functions)
      if (!functions_.emplace(Key{f.domain, f.name, f.overload}, &f).second)
        throw file.bad(f.at, "function '" + std::string(f.name) + "' is defined twice");
  }
  void run() {
    expand_nodes(ast_.graph.nodes, nullptr, 0);
    if (inlined_) ctx_.metric("inlined_nodes", static_cast<double>(inlined_));
  }
};

}  // namespace

void expand_functions(const File& file, Ast& ast, const Ctx& ctx) { Expander(file, ast, ctx).run(); }

}  // namespace tenon::onnx
