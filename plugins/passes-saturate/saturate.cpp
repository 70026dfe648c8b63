// SPDX-License-Identifier: Apache-2.0
// saturate: writes down many equal forms of a graph at once, by rules that hold in both directions, and takes the cheapest. What is
// opaque (other domains, effects, random numbers, nested graphs) stays as it is; each graph is searched on its own. The result is
// taken only when it costs less than the graph as it was.
#include <tenon/plugin.hpp>
#include <tenon/rewriting.hpp>
#include <tenon/walk.hpp>

#include <algorithm>
#include <chrono>

#include "rewrite.hpp"

namespace tenon::saturate {
namespace {

struct Limits {
  size_t nodes;
  int64_t iterations;
  double seconds;
  bool exact;
};

struct Totals {
  uint64_t rewritten = 0, expressions = 0, iterations = 0;
  double before = 0, after = 0;
  bool nodes_hit = false, iterations_hit = false, time_hit = false;
};

class Search {
 public:
  Search(const Limits& limits, EGraph& e, Totals& totals) : limits_(limits), e_(e), totals_(totals), begin_(std::chrono::steady_clock::now()) {
    for (const Rule& r : rule_table().all())
      if (r.exact || !limits.exact)
        for (std::string_view op : r.operators) rules_[std::string(op)].push_back(&r);
  }
  void run() {
    size_t seen = 0;
    for (int64_t k = 0; seen != e_.n_expressions() || changed_; ++k) {
      if (k == limits_.iterations) {
        totals_.iterations_hit = true;
        return;
      }
      seen = e_.n_expressions();
      if (!round()) return;
      ++totals_.iterations;
    }
  }

 private:
  const Limits& limits_;
  EGraph& e_;
  Totals& totals_;
  std::chrono::steady_clock::time_point begin_;
  std::unordered_map<std::string, std::vector<const Rule*>> rules_;
  bool changed_ = true;

  /// Every rule on every expression that was there before; false when a limit was hit.
  bool round() {
    std::vector<std::pair<ClassId, ClassId>> equal;
    Matcher m(e_, equal);
    const auto n = static_cast<NodeId>(e_.n_expressions());
    bool go_on = true;
    for (NodeId k = 0; k < n && go_on; ++k) {
      if (e_.is_leaf(k) || !e_.expression(k).live || e_.expression(k).output != 0) continue;
      const auto it = rules_.find(e_.operation_of_expression(k).name);
      if (it == rules_.end()) continue;
      for (const Rule* r : it->second) r->apply(m, k);
      go_on = within_limits();
    }
    changed_ = false;
    for (auto [a, b] : equal)
      if (e_.find(a) != e_.find(b)) changed_ |= e_.merge(a, b);
    e_.rebuild();
    return go_on;
  }
  bool within_limits() {
    if (e_.n_expressions() > limits_.nodes) return !(totals_.nodes_hit = true);
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin_;
    return passed.count() <= limits_.seconds || !(totals_.time_hit = true);
  }
};

/// One search of one graph; true when a cheaper one took its place.
bool search(const Ctx& ctx, Graph& g, const Limits& limits, const std::string& target, const RewriteCount& count, Totals* totals, bool first) {
  EGraph e(g);
  Rewrite rewrite(ctx, g, e);
  if (rewrite.size() == 0) return false;
  Search(limits, e, *totals).run();
  totals->expressions += e.n_expressions();
  CostModel costs(ctx.raw(), target);
  Selection selection(e, costs);
  selection.run(rewrite.roots());
  const double was = rewrite.cost(selection);
  if (first) {
    totals->before += was;
    totals->after += was;
  }
  if (!(selection.cost() < was * (1 - 1e-9) - 1e-2) || !count.may_rewrite(g.raw(), 0)) return false;
  totals->rewritten += rewrite.apply(selection);
  totals->after += selection.cost() - was;
  count.rewritten();
  return true;
}

/// The main graph and all that nodes hold, each once.
std::vector<tenon_graph*> graphs_of(const Graph& main) {
  std::vector<tenon_graph*> graphs = {main.raw()};
  std::unordered_set<tenon_graph*> seen;
  for (tenon_node n : all_nodes(main))
    for (tenon_graph* inner : held_graphs(main, n))
      if (seen.insert(inner).second) graphs.push_back(inner);
  return graphs;
}

uint64_t run(const Ctx& ctx, Graph& main) {
  const Limits limits{static_cast<size_t>(ctx.option("/node-limit", int64_t{20000})), ctx.option("/iteration-limit", int64_t{8}), ctx.option("/time-limit", 30.0),
                      ctx.option("/rules", std::string("exact")) == "exact"};
  const std::string target = ctx.option("/target", std::string("cpu"));
  const RewriteCount count(ctx);
  Totals totals;
  // What was found may be where more is to be found, and an inner graph may have read what is dead then; the cost falls each time.
  std::unordered_set<tenon_graph*> counted;
  for (bool again = true; again;) {
    again = false;
    for (tenon_graph* raw : graphs_of(main)) {
      Graph g(main.ctx(), raw);
      if (!search(ctx, g, limits, target, count, &totals, counted.insert(raw).second)) continue;
      again = true;
      break;
    }
  }
  ctx.metric("expressions", static_cast<double>(totals.expressions));
  ctx.metric("iterations", static_cast<double>(totals.iterations));
  ctx.metric("cost-before", totals.before);
  ctx.metric("cost-after", totals.after);
  ctx.metric("node-limit-hit", totals.nodes_hit);
  ctx.metric("iteration-limit-hit", totals.iterations_hit);
  ctx.metric("time-limit-hit", totals.time_hit);
  if (totals.time_hit) ctx.warn("saturate stopped at its time limit: another run may find another graph");
  return totals.rewritten;
}

}  // namespace

TENON_PASS("saturate",
           R"("class":"reassociating","summary":"search all equal graphs for the cheapest","options":{"type":"object","properties":{"rules":{"enum":["exact","reassociating"],"default":"exact","description":"equalities to use: those that keep every bit, or also those up to rounding"},"target":{"type":"string","default":"cpu","description":"whose kernels' costs count"},"node-limit":{"type":"integer","minimum":1,"default":20000,"description":"expressions after which a search stops"},"iteration-limit":{"type":"integer","minimum":1,"default":8,"description":"rounds of all rules after which a search stops"},"time-limit":{"type":"number","exclusiveMinimum":0,"default":30,"description":"seconds after which a search stops, as a last resort: the result then depends on the machine"}},"additionalProperties":false})",
           run);
}  // namespace tenon::saturate
