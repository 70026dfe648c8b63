// SPDX-License-Identifier: Apache-2.0
// eliminate-dead: nodes whose outputs nobody uses, and constants that only they used. Nodes with side effects stay, and so do nodes
// whose operator nobody defines.
#include <tenon/plugin.hpp>
#include <tenon/rewriting.hpp>

#include <unordered_map>

#include <tenon/walk.hpp>

namespace tenon::passes {
namespace {

class Eliminator {
 public:
  Eliminator(const Ctx& ctx, Graph& g) : ctx_(ctx), g_(g), count_(ctx) {}
  uint64_t run() {
    auto nodes = all_nodes(g_);
    for (tenon_node n : nodes)
      for (tenon_graph* inner : held_graphs(g_, n)) holders_[inner].push_back(n);
    for (tenon_node n : nodes)
      if (g_.alive(n) && has_effects(n)) mark(n);
    for (auto n = nodes.rbegin(); n != nodes.rend(); ++n) {
      work_.push_back(*n);
      while (!work_.empty()) {
        const tenon_node next = work_.back();
        work_.pop_back();
        visit(next);
      }
    }
    return erased_;
  }

 private:
  bool has_effects(tenon_node n) const {
    const tenon_operator* o = api().registry->find_operator(g_.op(n));
    return !o || (o->flags & TENON_OF_SIDE_EFFECTS);
  }
  /// The node and all that hold it have effects.
  void mark(tenon_node n) {
    if (!effects_.emplace(n, true).second) return;
    const auto it = holders_.find(g_.graph_of(n));
    if (it == holders_.end()) return;
    for (tenon_node holder : it->second) mark(holder);
  }
  void visit(tenon_node n) {
    if (!g_.alive(n) || effects_.count(n)) return;
    for (tenon_value v : g_.outputs(n))
      if (v && g_.info(v).n_uses()) return;
    if (!count_.may_rewrite(g_.raw(), n)) return;
    std::vector<tenon_value> in = g_.inputs(n);
    collect_reads(n, &in);
    g_.erase(n);
    count_.rewritten();
    ++erased_;
    for (tenon_value v : in) release(v);
  }
  /// What graphs inside n read or yield: it loses these uses with n.
  void collect_reads(tenon_node n, std::vector<tenon_value>* in) const {
    for (tenon_graph* inner : held_graphs(g_, n)) {
      Graph graph(ctx_.raw(), inner);
      for (tenon_node m : graph.nodes()) {
        const Ids more = g_.inputs(m);
        in->insert(in->end(), more.begin(), more.end());
        collect_reads(m, in);
      }
      const Ids out = graph.graph_outputs();
      in->insert(in->end(), out.begin(), out.end());
    }
  }
  void release(tenon_value v) {
    if (!v || !api().ir->value_alive(g_.raw(), v)) return;
    const ValueInfo i = g_.info(v);
    if (i.n_uses()) return;
    if (i.constant()) ok(api().ir->erase_constants(ctx_.raw(), g_.raw(), 1, &v));
    else if (i.producer()) work_.push_back(i.producer());
  }

  const Ctx& ctx_;
  Graph& g_;
  RewriteCount count_;
  std::unordered_map<tenon_node, bool> effects_;
  std::unordered_map<tenon_graph*, std::vector<tenon_node>> holders_;
  std::vector<tenon_node> work_;
  uint64_t erased_ = 0;
};

uint64_t run(const Ctx& ctx, Graph& g) { return Eliminator(ctx, g).run(); }

}  // namespace

TENON_PASS("eliminate-dead",
           R"("class":"exact","summary":"erase nodes and constants that nobody uses","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
