// SPDX-License-Identifier: Apache-2.0
// rewriter.hpp - a worklist of nodes keyed by operator: each rule is tried on a node of its operator, and again only when a rewrite
// changed the node's surroundings. So work is proportional to the graph and to the rewrites.
#pragma once
#include <algorithm>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "plugin.hpp"
#include "rewriting.hpp"
#include "walk.hpp"

TENON_NAMESPACE_BEGIN

/// "Add" is the IR's own operator; "acme::Tile" and "onnx::Gelu@20" are those of other domains. Version 0: not given.
struct OperatorName {
  std::string_view domain, name;
  int32_t version = 0;
  static OperatorName parse(std::string_view text) {
    const size_t colons = text.find("::"), at = text.find('@');
    OperatorName r;
    r.domain = colons == std::string_view::npos ? "tenon" : text.substr(0, colons);
    const size_t begin = colons == std::string_view::npos ? 0 : colons + 2;
    r.name = text.substr(begin, at == std::string_view::npos ? at : at - begin);
    if (at != std::string_view::npos)
      for (char c : text.substr(at + 1)) r.version = 10 * r.version + (c - '0');
    return r;
  }
};

/// What a rule promises to lower, so that rewriting comes to an end. The Rewriter adds up what its own functions add and erase.
struct Measure {
  const char* name = nullptr;  ///< NULL: nothing is promised
  std::function<double(const Graph&, tenon_node)> of;
  static Measure nodes() {
    return {"nodes", [](const Graph&, tenon_node) { return 1.0; }};
  }
  /// Bytes that nodes write; a dimension that is no number counts as 64.
  static Measure bytes() {
    return {"bytes", [](const Graph& g, tenon_node n) {
              double sum = 0;
              for (tenon_value v : g.outputs(n)) {
                if (!v) continue;
                const ValueInfo i = g.info(v);
                double count = i.rank() < 0 ? 0 : i.type().bits / 8.0;
                for (int64_t d : i.dims()) count *= d < 0 ? 64.0 : static_cast<double>(d);
                sum += count;
              }
              return sum;
            }};
  }
};

class Rewriter {
 public:
  /// True when it rewrote the node (which may be gone then).
  using Rule = std::function<bool(Rewriter&, tenon_node)>;
  struct Entry {
    std::vector<const char*> operators;  ///< as OperatorName reads them
    Rule rule;
    const char* name = "";  ///< of the rule, for people who look for the rewrite that went wrong
    Measure falls = {};     ///< that this rule lowers each time
  };

  Rewriter(const Ctx& ctx, Graph& main, const std::vector<Entry>& rules) : ctx(ctx), g(main), count_(ctx) {
    for (const auto& e : rules)
      for (const char* name : e.operators) {
        const OperatorName o = OperatorName::parse(name);
        rules_[Graph::op(o.domain, o.name, o.version ? o.version : 1)].push_back({e.rule, e.name, e.falls});
      }
  }

  /// Tries the rules until none fires any more; returns the number of rewrites.
  uint64_t run() {
    const auto nodes = all_nodes(g);
    for (tenon_node n : nodes) enqueue(n);
    const uint64_t most = 64 * nodes.size() + 1024;
    while (!queue_.empty() && !stopped_) {
      const tenon_node n = queue_.front();
      queue_.pop_front();
      pending_.erase(n);
      while (g.alive(n) && apply(n))
        if (++rewrites_ > most) throw Error(TENON_E_INTERNAL, "the pass does not come to an end: its rewrites undo each other");
    }
    return rewrites_;
  }

  // reading
  bool is(tenon_node n, std::string_view op) const {
    if (!n) return false;
    const auto name = Graph::op_name(g.op(n));
    return name.domain == "tenon" && name.name == op;
  }
  /// Producer of v when it is such a node of the graph at work and v its first output, else 0.
  tenon_node made_by(tenon_value v, std::string_view op) const {
    if (!v) return 0;
    const ValueInfo i = g.info(v);
    return i.output_index() == 0 && i.graph() == here_ && is(i.producer(), op) ? i.producer() : 0;
  }
  /// Nobody wants more than the first output.
  bool one_output(tenon_node n) const {
    const Ids out = g.outputs(n);
    for (size_t k = 1; k < out.size(); ++k)
      if (out[k]) return false;
    return !out.empty() && out[0];
  }
  /// Does n belong to the graph at work?
  bool here(tenon_node n) const { return g.graph_of(n) == here_; }
  bool single_use(tenon_value v) const { return g.info(v).n_uses() == 1; }
  /// The other input of a node with two inputs.
  tenon_value other(tenon_node n, tenon_value v) const {
    const tenon_value a = g.input(n, 0);
    return a == v ? g.input(n, 1) : a;
  }

  // rewriting
  struct Replacement {
    std::string_view op;
    std::vector<tenon_value> in;
    AttrList attrs = {};
    std::vector<tenon_node> absorbed = {};  ///< nodes besides the root whose work it takes over
    std::string name = {};                  ///< empty: the root's
  };
  /// A new node takes the place of root, which has one output: its name, type, uses and origins. What nobody uses then is erased.
  tenon_node replace(tenon_node root, Replacement r) {
    const tenon_value old = g.output(root);
    Graph::New d;
    d.op = Graph::op(r.op);
    d.in = std::move(r.in);
    d.attrs = &r.attrs;
    d.origins = {root};
    for (tenon_node n : r.absorbed) d.origins.push_back(n);
    d.before = root;
    d.name = r.name.empty() ? std::string(g.name(root)) : r.name;
    const tenon_node fresh = g.add(d);
    added_.push_back(fresh);
    g.copy_type(g.output(fresh), old);
    take_over(root, g.output(fresh));
    enqueue(fresh);
    return fresh;
  }
  /// An operator with one output that only prepares an input of a replacement; placed before `root`, with its origins.
  tenon_value emit(tenon_node root, std::string_view op, std::vector<tenon_value> in, const AttrList& attrs = {}) {
    Graph::New d;
    d.op = Graph::op(op);
    d.in = std::move(in);
    d.attrs = &attrs;
    d.origins = {root};
    d.before = root;
    d.name = std::string(g.name(root));
    const tenon_node n = g.add(d);
    added_.push_back(n);
    enqueue(n);
    return g.output(n);
  }
  /// Changes inputs in place; what nobody uses then is erased. Origins of `absorbed` are added.
  void set_inputs(tenon_node n, const std::vector<tenon_value>& in, const std::vector<tenon_node>& absorbed = {}) {
    const auto old = g.inputs(n);
    g.add_origins(n, absorbed);
    g.set_inputs(n, in);
    for (tenon_value v : old) drop(v);
    enqueue(n);
    touch(n);
  }
  /// May v stand for the output `out`? A nested graph must make its outputs itself, and the main one must not hand through its inputs.
  bool can_forward(tenon_value out, tenon_value v) const {
    const ValueInfo o = g.info(out);
    if (!o.is_output()) return true;
    const ValueInfo i = g.info(v);
    return i.producer() && i.graph() == o.graph() && !i.is_output();
  }
  /// v stands for the only output of root, which is erased.
  bool forward(tenon_node root, tenon_value v) {
    if (!can_forward(g.output(root), v)) return false;
    take_over(root, v);
    return true;
  }
  /// `into` does the work of root, its only user, from now on: attributes or inputs were changed already.
  bool absorb(tenon_node root, tenon_node into) {
    if (!can_forward(g.output(root), g.output(into))) return false;
    g.add_origins(into, {root});
    return forward(root, g.output(into));
  }
  /// Erases n and what only fed it, when nobody uses its outputs.
  void drop_node(tenon_node n) {
    if (!n || !g.alive(n) || keep(n)) return;
    for (tenon_value v : g.outputs(n))
      if (v && g.info(v).n_uses()) return;
    const auto in = g.inputs(n);
    count_erased(n);
    g.erase(n);
    for (tenon_value v : in) drop(v);
  }

  const Ctx& ctx;
  Graph& g;

 private:
  bool apply(tenon_node n) {
    auto it = rules_.find(g.op(n));
    if (it == rules_.end()) return false;
    here_ = g.graph_of(n);
    for (const auto& [rule, name, falls] : it->second) {
      measure_ = falls.name ? &falls : nullptr;
      added_.clear();
      erased_ = 0;
      stopped_ = !count_.may_rewrite(g.raw(), n, name);
      if (stopped_) return false;
      if (!rule(*this, n)) continue;
      check_measure(name);
      count_.rewritten();
      return true;
    }
    return false;
  }
  void count_erased(tenon_node n) {
    if (measure_ && std::find(added_.begin(), added_.end(), n) == added_.end()) erased_ += measure_->of(g, n);
  }
  void check_measure(const char* rule) const {
    if (!measure_) return;
    double added = 0;
    for (tenon_node n : added_)
      if (g.alive(n)) added += measure_->of(g, n);
    if (added >= erased_)
      throw Error(TENON_E_INTERNAL, std::string("a rewrite does not lower the ") + measure_->name + " as it promises")
          .with("rule", rule)
          .with("expected", "less than " + std::to_string(erased_))
          .with("found", std::to_string(added));
  }
  void enqueue(tenon_node n) {
    if (n && g.alive(n) && rules_.count(g.op(n)) && pending_.insert(n).second) queue_.push_back(n);
  }
  /// A value that more nodes use gets further users without all of them being looked at again: else a value that thousands share would
  /// cost a square of them.
  static constexpr uint64_t kFewUses = 64;
  /// Users of n's outputs are to be looked at again.
  void touch(tenon_node n) {
    for (tenon_value v : g.outputs(n))
      if (v) touch_value(v);
  }
  void touch_value(tenon_value v) {
    for (tenon_node u : g.uses(v)) enqueue(u);
    enqueue(g.producer(v));
  }
  void take_over(tenon_node root, tenon_value v) {
    const tenon_value old = g.output(root);
    const std::string name = g.info(old).name();
    const bool output = g.info(old).is_output();
    const auto in = g.inputs(root), moved = g.uses(old);
    g.replace_uses(old, v);
    count_erased(root);
    g.erase(root);
    const ValueInfo i = g.info(v);
    if (i.producer() && (i.name().empty() || output)) ok(api().ir->set_name(g.ctx(), g.raw(), 0, v, str(name)));
    for (tenon_value x : in) drop(x);
    if (!api().ir->value_alive(g.raw(), v)) return;  // nobody wanted root's output
    if (g.info(v).n_uses() <= kFewUses) return touch_value(v);
    for (tenon_node u : moved) enqueue(u);
    enqueue(g.producer(v));
  }
  /// v lost a use: erased when it was the last one, else its other users may match now.
  void drop(tenon_value v) {
    if (!v || !api().ir->value_alive(g.raw(), v)) return;
    const ValueInfo i = g.info(v);
    if (i.n_uses() == 1)
      for (tenon_node u : g.uses(v)) enqueue(u);
    if (i.n_uses()) return;
    if (i.constant()) ok(api().ir->erase_constants(g.ctx(), g.raw(), 1, &v));
    else drop_node(i.producer());
  }
  bool keep(tenon_node n) const {
    const tenon_operator* o = api().registry->find_operator(g.op(n));
    return !o || (o->flags & TENON_OF_SIDE_EFFECTS) || !held_graphs(g, n).empty();
  }

  struct Ruled {
    Rule rule;
    const char* name;
    Measure falls;
  };
  std::unordered_map<tenon_op, std::vector<Ruled>> rules_;
  std::deque<tenon_node> queue_;
  std::unordered_set<tenon_node> pending_;
  RewriteCount count_;
  bool stopped_ = false;  ///< the host wants no more rewrites
  uint64_t rewrites_ = 0;
  const Measure* measure_ = nullptr;  ///< that the rule at work promised to lower
  std::vector<tenon_node> added_;     ///< by the rule at work
  double erased_ = 0;                 ///< its measure of what it erased
  tenon_graph* here_ = nullptr;  ///< graph of the node at work: work is never moved from one graph to another
};

TENON_NAMESPACE_END
