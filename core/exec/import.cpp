// SPDX-License-Identifier: Apache-2.0
#include "import.hpp"

#include <algorithm>
#include <set>

#include "../plugin/host_tables.hpp"
#include "infer.hpp"
#include "locate.hpp"
#include "source.hpp"

namespace tenon::core {
namespace {

constexpr size_t kShownNodes = 8;
constexpr int kMaxLoweringDepth = 16;

/// The frontend that is surest of the file. Two that are equally sure are an error: the user decides.
Result<std::string> choose_frontend(Session& s, const Source& source) {
  int32_t best = 0;
  std::vector<std::string> winners;
  std::string tried;
  for (const auto& id : s.registry.ids("frontend")) {
    auto f = s.registry.frontend(id);
    if (!f) return fail(std::move(f.error()));
    int32_t score = 0;
    tenon_ctx c = make_ctx(s, *f, "probe");
    TENON_TRY(take((*f)->probe(&c, source.get(), &score)));
    tried += (tried.empty() ? "" : ", ") + id;
    if (score > best) winners.clear();
    if (score > 0 && score >= best) winners.push_back(id);
    best = std::max(best, score);
  }
  std::string path(view(source.get()->path));
  if (winners.empty())
    return fail(Error(TENON_E_INVALID, source.get()->size == 0 ? "the model file is empty" : "no frontend recognizes the model file")
                    .with("file", path)
                    .with("expected", tried.empty() ? "a frontend plugin; none is installed" : "a file of one of the frontends: " + tried)
                    .with("hint", "name the frontend if you know the format"));
  if (winners.size() > 1)
    return fail(Error(TENON_E_CONFIG, "two frontends claim the model file").with("file", path).with("found", winners[0] + " and " + winners[1]).with("hint", "name one of them as \"import\""));
  return winners[0];
}

/// `defaults`: the sizes that the file states are defaults, so a number may give way to another one or to a name.
Status set_shapes(Model& m, const ImportRequest& r, bool defaults) {
  for (const auto& [input, dims] : r.shapes) {
    const std::string& name = input;
    auto& in = m.main().inputs;
    auto it = std::find_if(in.begin(), in.end(), [&](tenon_value v) { return m.value_name(v) == name; });
    if (it == in.end()) {
      std::string known;
      for (tenon_value v : in) known += (known.empty() ? "" : ", ") + std::string(m.value_name(v));
      return fail(Error(TENON_E_CONFIG, "\"shapes\" names an input that the model does not have").with("found", name).with("expected", known));
    }
    std::vector<int64_t> d;
    for (const Json& x : dims) {
      if (x.is_number_integer() && x.get<int64_t>() >= 0) d.push_back(x.get<int64_t>());
      else if (x.is_string()) d.push_back(m.symbols.named(x.get<std::string>()));
      else return fail(Error(TENON_E_CONFIG, "a dimension in \"shapes\" is a number >= 0 or a name").with("found", x.dump()));
    }
    ValueType old = m.type(*it);
    bool fits = old.rank < 0 || old.rank == static_cast<int32_t>(d.size());
    for (size_t k = 0; fits && k < d.size() && old.rank >= 0; ++k) fits = defaults || old.dims[k] < 0 || d[k] == old.dims[k];
    if (!fits) return fail(Error(TENON_E_CONFIG, "\"shapes\" contradicts the model's own shape of an input").with("value", name));
    TENON_TRY(m.set_type(*it, old.dtype, static_cast<int32_t>(d.size()), d.data()));
  }
  return {};
}

/// Lowers a model, node by node in topological order; each new node is inferred at once, so later lowerings see types.
class Lowering {
  Session& s_;
  Model& m_;
  Inference inference_;
  std::map<std::string, Leftover> left_;
  std::map<tenon_op, std::pair<uint64_t, std::set<tenon_op>>> lowered_;  ///< operator -> nodes, operators that took their place
  int depth_ = 0;
  int holders_ = 0;  ///< operators with a definition around the graph at hand
  std::set<uint32_t> shared_;  ///< indices of shared graphs that were lowered

 public:
  Lowering(Session& s, Model& m) : s_(s), m_(m), inference_(s, m) {}

  Status graph(tenon_graph& g) {
    if (g.shared() && !shared_.insert(g.index).second) return {};
    auto order = m_.topological(g);
    if (!order) return fail(std::move(order.error()));
    uint64_t done = 0;
    int outer_depth = std::exchange(depth_, 0);  // counts lowerings of lowerings, not graphs in graphs
    for (tenon_node n : *order) {
      if (s_.cancelled) return fail(TENON_E_CANCELLED, "cancelled");
      if (g.index == 0 && s_.on_progress && done++ % 256 == 0) s_.on_progress(done, order->size(), "lowering");
      TENON_TRY(node(n));
    }
    depth_ = outer_depth;
    return {};
  }
  std::vector<Leftover> leftovers() const {
    std::vector<Leftover> r;
    for (const auto& [k, l] : left_) r.push_back(l);
    return r;
  }
  std::map<std::pair<std::string, int32_t>, LoweredOperator> lowered() const {
    auto full = [](const OpName& o) { return std::string(o.domain) + "::" + std::string(o.name); };
    std::map<std::pair<std::string, int32_t>, LoweredOperator> r;
    for (const auto& [op, what] : lowered_) {
      OpName name = op_name(op);
      LoweredOperator& l = r[{full(name), name.version}];
      l.count = what.first;
      for (tenon_op x : what.second) l.into.insert(full(op_name(x)));
    }
    return r;
  }

 private:
  Status node(tenon_node n) {
    if (!m_.alive_node(n)) return {};
    OpName op = op_name(m_.nodes.op[slot(n)]);
    auto def = s_.registry.find_operator(m_.nodes.op[slot(n)]);
    if (!def) return fail(located(std::move(def.error()), m_, n));
    if (*def) return defined(n);
    auto l = s_.registry.lowering(op.domain, op.name, op.version);
    if (!l) return fail(located(std::move(l.error()), m_, n));
    if (!*l) return leave(n, "no plugin has a lowering or a definition of it");
    return lower(n, **l);
  }

  // Graphs inside are lowered once the types of their inputs are known; then the node's own outputs can be.
  Status defined(tenon_node n) {
    auto attrs = m_.nodes.attrs[slot(n)];
    if (!attrs || !attrs->has_graphs()) return inferred(n);
    (void)inference_.node(n);  // foreign nodes inside may leave types open: not yet an error
    ++holders_;
    Status s = inside(n);
    --holders_;
    TENON_TRY(s);
    return inferred(n);
  }
  // In a graph that a defined operator holds, shapes that do not fit are that operator's to judge: it may never run the graph.
  Status inferred(tenon_node n) {
    Status s = inference_.node(n);
    if (!s && holders_ > 0 && s.error().code == TENON_E_INVALID) return {};
    return s;
  }
  Status inside(tenon_node n) {
    auto attrs = m_.nodes.attrs[slot(n)];
    if (!attrs) return {};
    for (uint64_t k = 0; k < attrs->size(); ++k) {
      const tenon_attr& a = attrs->data()[k];
      if (a.type == TENON_AT_GRAPH) TENON_TRY(graph(*a.v.graph));
      if (a.type == TENON_AT_GRAPHS)
        for (uint64_t j = 0; j < a.count; ++j) TENON_TRY(graph(*a.v.graphs[j]));
    }
    return {};
  }

  Status lower(tenon_node n, const tenon_lowering& l) {
    const tenon_op op = m_.nodes.op[slot(n)];
    if (depth_ >= kMaxLoweringDepth) return fail(located(Error(TENON_E_INTERNAL, "lowerings lead to one another without an end"), m_, n));
    tenon_graph& g = m_.graphs[m_.nodes.graph[slot(n)]];
    tenon_node before = m_.node_id(m_.nodes.prev[slot(n)]), after = m_.node_id(m_.nodes.next[slot(n)]);
    tenon_ctx c = make_ctx(s_, &l, "import");
    auto r = take(l.lower(&c, &g, n));
    if (!r && r.error().code != TENON_E_UNSUPPORTED) return fail(located(std::move(r.error()), m_, n));
    Slot first = before ? m_.nodes.next[slot(before)] : g.first;
    if (!r) {
      std::vector<tenon_node> partial;
      for (Slot x = first; x && m_.node_id(x) != n; x = m_.nodes.next[x]) partial.push_back(m_.node_id(x));
      TENON_TRY(m_.erase_nodes(partial.data(), partial.size()));
      std::string why = r.error().message;
      if (auto f = r.error().detail("found"); !f.empty()) why += " (found " + std::string(f) + ")";
      return leave(n, why);
    }
    if (m_.alive_node(n)) return fail(located(Error(TENON_E_INTERNAL, "a lowering left its node in the graph").with("plugin", c.plugin ? c.plugin->manifest->id : ""), m_, n));
    std::vector<tenon_node> fresh;
    for (Slot x = first; x && m_.node_id(x) != after; x = m_.nodes.next[x]) fresh.push_back(m_.node_id(x));
    auto& [count, into] = lowered_[op];
    ++count;
    for (tenon_node x : fresh) into.insert(m_.nodes.op[slot(x)]);
    ++depth_;
    for (tenon_node x : fresh) TENON_TRY(node(x));
    --depth_;
    return {};
  }

  Status leave(tenon_node n, const std::string& reason) {
    OpName op = op_name(m_.nodes.op[slot(n)]);
    auto& l = left_[std::string(op.domain) + "::" + std::string(op.name) + "@" + std::to_string(op.version) + reason];
    l.op = std::string(op.domain) + "::" + std::string(op.name);
    l.version = op.version;
    l.reason = reason;
    m_.left_because[m_.nodes.op[slot(n)]] = reason;
    ++l.count;
    if (l.nodes.size() < kShownNodes) {
      auto origins = m_.origin_names(n);
      l.nodes.push_back(!m_.nodes.name[slot(n)].empty() || origins.empty() ? m_.nodes.name[slot(n)] : origins[0]);
    }
    return inside(n);
  }
};

}  // namespace

Result<std::string> frontend_of(Session& s, const std::string& model) {
  auto source = Source::open(model);
  if (!source) return fail(std::move(source.error()));
  return choose_frontend(s, **source);
}

Result<Imported> import_model(Session& s, const ImportRequest& r) {
  auto source = Source::open(r.model);
  if (!source) return fail(std::move(source.error()));
  for (const auto& path : r.files) (*source)->allow(path);
  Imported out;
  out.frontend = r.frontend;
  auto frontend = s.registry.frontend(out.frontend);
  if (!frontend) return fail(std::move(frontend.error()));
  auto in_file = [&](Error e) {
    if (e.detail("file").empty()) e.with("file", r.model);
    return fail(std::move(e));
  };
  out.model = std::make_unique<Model>();
  Model& m = *out.model;
  tenon_ctx c = make_ctx(s, *frontend, "import " + out.frontend, r.options);
  m.importing = true;
  if (auto l = take((*frontend)->load(&c, (*source)->get(), &m.main())); !l) return in_file(std::move(l.error()));
  m.importing = false;
  out.foreign_nodes = m.n_nodes();
  const Provided* about = s.registry.find_provided("frontend", out.frontend);
  bool defaults = about && about->json.value("reshape", false);
  if (auto x = set_shapes(m, r, defaults); !x) return in_file(std::move(x.error()));
  if (r.parsed) r.parsed(m);
  Lowering lowering(s, m);
  if (auto x = lowering.graph(m.main()); !x) return in_file(std::move(x.error()));
  out.leftovers = lowering.leftovers();
  out.lowered = lowering.lowered();
  return out;
}

std::vector<Leftover> missing_operators(Session& s, const Model& m) {
  std::map<tenon_op, Leftover> found;
  std::set<std::string> with_kernel;
  for (const auto& [manifest, p] : s.registry.provided("kernel")) with_kernel.insert(p->json.value("op", std::string()));
  for (const auto* g : m.nested(m.main()))
    for (Slot n = g->first; n; n = m.nodes.next[n]) {
      tenon_op op = m.nodes.op[n];
      auto def = s.registry.find_operator(op);
      OpName name = op_name(op);
      std::string full = std::string(name.domain) + "::" + std::string(name.name);
      bool runs = def && *def && ((*def)->reference || with_kernel.count(full));
      if (runs) continue;
      auto& l = found[op];
      l.op = full;
      l.version = name.version;
      auto why = m.left_because.find(op);
      l.reason = !def ? def.error().message : *def ? "it has a definition but no kernel" : why != m.left_because.end() ? why->second : "no plugin has a lowering or a definition of it";
      ++l.count;
      if (l.nodes.size() < kShownNodes) l.nodes.push_back(m.nodes.name[n]);
    }
  std::vector<Leftover> r;
  for (auto& [op, l] : found) r.push_back(std::move(l));
  std::sort(r.begin(), r.end(), [](const Leftover& a, const Leftover& b) { return a.op < b.op; });
  return r;
}

}  // namespace tenon::core
