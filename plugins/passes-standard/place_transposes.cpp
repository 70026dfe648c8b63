// SPDX-License-Identifier: Apache-2.0
// place-transposes: moves Transposes to where they cost least, for each graph and permutation by a minimum cut.
//
// Operators that compute the same on transposed data choose one of two layouts; all others keep theirs. A value that is made in one layout
// and read in the other needs a Transpose, which costs its bytes, once for all readers. A Transpose of the graph that makes such a layout is a
// source of it, its inverse a reader of it. The cheapest choice for all nodes together is a minimum cut. What one permutation leaves another
// may improve on, so all are tried again until the bytes that Transposes write no longer fall.
#include <tenon/plugin.hpp>
#include <tenon/rewriting.hpp>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "common/layout.hpp"
#include "common/min_cut.hpp"
#include <tenon/walk.hpp>

namespace tenon::passes {
namespace {

/// Dimensions that are not known count as this many.
constexpr int64_t kTypicalDim = 16;
/// What a Transpose costs besides its bytes.
constexpr int64_t kTransposeCost = 64;

int64_t cost_of(const ValueInfo& i) {
  int64_t bytes = std::max<int64_t>(1, i.type().bits / 8);
  for (int64_t d : i.dims()) bytes = std::min<int64_t>(bytes * (d < 0 ? kTypicalDim : std::max<int64_t>(d, 1)), int64_t{1} << 40);
  return bytes + kTransposeCost;
}

/// Which Transposes are sources and which are readers when the permutation is its own inverse: by the number of them on the way to each,
/// and the other way round. One that was both would count twice, and vanish once.
enum class Roles : uint8_t { even_is_source, odd_is_source };

/// Work on one graph (without the nested ones) for one permutation: data of the second layout is data of the first, transposed by it.
class Placement {
 public:
  Placement(Graph& g, const Perm& perm, Roles roles, const RewriteCount& count)
      : g_(g), perm_(perm), back_(inverse(perm)), involution_(perm_ == back_), roles_(roles), count_(count) {}

  /// Number of nodes whose layout changed.
  uint64_t run() {
    for (tenon_node n : g_.nodes()) add_node(n);
    const bool drops_axes = std::any_of(nodes_.begin(), nodes_.end(), [](const Choice& c) { return !c.how.output; });
    if (sources_.empty() || (readers_.empty() && !drops_axes && !involution_)) return 0;
    const int64_t before = build();
    if (cut_.solve() >= before || !count_.may_rewrite(g_.raw(), *sources_.begin(), "permutation")) return 0;
    const uint64_t moved = rewrite();
    count_.rewritten();
    return moved;
  }

 private:
  struct Choice {
    tenon_node node;
    Transposed how;
    MinCut::Id vertex;
  };
  struct Readers {
    bool first = false;                ///< read by something that keeps the first layout
    std::set<MinCut::Id> choosing;
    bool second = false;               ///< read by a Transpose to the second layout
  };

  bool is_transpose(tenon_node n, const Perm& p) const {
    const auto name = Graph::op_name(g_.op(n));
    return name.domain == "tenon" && name.name == "Transpose" && g_.attrs(n).ints("perm") == p;
  }
  /// Such a node is waiting to be folded: what its layout costs now says nothing.
  bool only_constants(tenon_node n) const {
    const Ids in = g_.inputs(n);
    return std::all_of(in.begin(), in.end(), [&](tenon_value v) { return !v || is_free(v); });
  }
  bool is_free(tenon_value v) const { return g_.is_constant(v) || folded_.count(g_.producer(v)); }
  void add_node(tenon_node n) {
    if (only_constants(n)) folded_.insert(n);
    if (folded_.count(n)) return;
    if (involution_) add_involution(n);
    else if (is_transpose(n, back_)) sources_.insert(n);
    else if (is_transpose(n, perm_)) readers_.insert(n);
    if (auto how = transposed(g_, n, perm_)) {
      by_node_[n] = nodes_.size();
      nodes_.push_back({n, std::move(*how), cut_.vertex()});
    }
  }
  void add_involution(tenon_node n) {
    uint64_t before = 0;
    for (tenon_value v : g_.inputs(n)) {
      const auto it = v ? passed_.find(g_.producer(v)) : passed_.end();
      if (it != passed_.end()) before = std::max(before, it->second);
    }
    const bool here = is_transpose(n, perm_);
    if (before + here) passed_[n] = before + here;
    if (here) (before % 2 == (roles_ == Roles::even_is_source ? 0 : 1) ? sources_ : readers_).insert(n);
  }
  Readers readers_of(tenon_value v) const {
    Readers r;
    for (tenon_node u : g_.uses(v)) {
      auto at = by_node_.find(u);
      if (readers_.count(u)) r.second = true;
      else if (at != by_node_.end() && follows_everywhere(nodes_[at->second], v)) r.choosing.insert(nodes_[at->second].vertex);
      else r.first = true;
    }
    r.first |= g_.info(v).is_output();
    return r;
  }
  static bool reads_otherwise(const Ids& in, const Transposed& how, tenon_value v) {
    for (size_t k = 0; k < in.size(); ++k)
      if (in[k] == v && !how.follows[k]) return true;
    return false;
  }
  bool follows_everywhere(const Choice& c, tenon_value v) const { return !reads_otherwise(g_.inputs(c.node), c.how, v); }

  /// A value made in a layout: edges that cost its Transpose once when readers disagree with it. Returns the cost of today.
  int64_t connect(tenon_value v, MinCut::Id producer, bool chooses) {
    const Readers r = readers_of(v);
    const int64_t cost = cost_of(g_.info(v));
    const bool reads_second = r.second || !r.choosing.empty();
    if ((producer == MinCut::kSource || chooses) && (r.first || !r.choosing.empty())) {
      const MinCut::Id any_first = cut_.vertex();
      cut_.edge(producer, any_first, cost);
      if (r.first) cut_.edge(any_first, MinCut::kSink, MinCut::kNever);
      for (MinCut::Id u : r.choosing) cut_.edge(any_first, u, MinCut::kNever);
    }
    if (producer != MinCut::kSource && reads_second) {
      const MinCut::Id any_second = cut_.vertex();
      cut_.edge(any_second, producer, cost);
      if (r.second) cut_.edge(MinCut::kSource, any_second, MinCut::kNever);
      for (MinCut::Id u : r.choosing) cut_.edge(u, any_second, MinCut::kNever);
    }
    if (producer == MinCut::kSource) return r.first || !r.choosing.empty() ? cost : 0;
    return r.second ? cost : 0;
  }
  int64_t build() {
    int64_t before = 0;
    std::set<tenon_value> done;
    auto outer = [&](tenon_value v) {
      const tenon_node p = g_.producer(v);
      if (by_node_.count(p) || sources_.count(p) || is_free(v) || !done.insert(v).second) return;
      before += connect(v, MinCut::kSink, false);
    };
    for (const Choice& c : nodes_) {
      const Ids in = g_.inputs(c.node);
      for (size_t k = 0; k < in.size(); ++k)
        if (in[k] && c.how.follows[k]) outer(in[k]);
      for (tenon_value v : g_.outputs(c.node))
        if (v) before += c.how.output ? connect(v, c.vertex, true) : connect_plain(v, &done);
    }
    for (tenon_node n : sources_) before += connect(g_.output(n), MinCut::kSource, false);
    for (tenon_node n : readers_) outer(g_.input(n, 0));
    return before;
  }
  int64_t connect_plain(tenon_value v, std::set<tenon_value>* done) { return done->insert(v).second ? connect(v, MinCut::kSink, false) : 0; }

  // ---- rewriting

  Dims moved_dims(const ValueInfo& i) const {
    Dims d;
    for (int64_t k : perm_) d.push_back(i.dim(static_cast<int32_t>(k)));
    return d;
  }
  tenon_value transpose(tenon_value v, const Perm& p, tenon_node before, const ValueInfo& like, bool second) {
    const AttrList attrs = AttrList{}.set("perm", p);
    Graph::New d;
    d.op = Graph::op("Transpose");
    d.in = {v};
    d.attrs = &attrs;
    d.origins = {before};
    d.before = before;
    const tenon_value out = g_.output(g_.add(d));
    g_.set_type(out, like.type(), second ? moved_dims(like) : like.dims().vec());
    return out;
  }
  /// A constant of lower rank broadcasts from its last axis.
  tenon_value full_rank(tenon_value v, tenon_node before) {
    const ValueInfo i = g_.info(v);
    if (i.rank() == static_cast<int32_t>(perm_.size())) return v;
    Dims dims(perm_.size() - static_cast<size_t>(i.rank()), 1);
    dims.insert(dims.end(), i.dims().begin(), i.dims().end());
    Graph::New d;
    d.op = Graph::op("Reshape");
    d.in = {v, g_.add_ints("", dims)};
    d.origins = {before};
    d.before = before;
    const tenon_value out = g_.output(g_.add(d));
    g_.set_type(out, i.type(), dims);
    return out;
  }
  tenon_value in_second(tenon_value v, tenon_node before) {
    auto known = second_.find(v);
    if (known != second_.end()) return known->second;
    const tenon_node p = g_.producer(v);
    tenon_value r = 0;
    if (sources_.count(p)) {
      r = g_.input(p, 0);
    } else {
      const tenon_value wide = full_rank(v, before);
      r = transpose(wide, perm_, before, g_.info(wide), true);
    }
    // What stands before this reader stands before the later ones too: nodes are rewritten in order.
    return second_[v] = r;
  }
  void rewrite_node(const Choice& c) {
    std::vector<tenon_value> in = g_.inputs(c.node);
    for (size_t k = 0; k < in.size(); ++k)
      if (in[k] && c.how.follows[k]) in[k] = in_second(in[k], c.node);
    auto put = [&](size_t k, tenon_value v) {
      if (in.size() <= k) in.resize(k + 1, 0);
      in[k] = v;
    };
    for (const auto& [k, list] : c.how.ints) put(k, g_.add_ints("", list));
    for (const auto& [k, list] : c.how.floats) put(k, g_.add_constant<float>("", Dims{static_cast<int64_t>(list.size())}, list.data()));
    AttrList attrs;
    for (const tenon_attr& a : g_.attrs(c.node).all()) attrs.copy(a);
    const Ids old = g_.outputs(c.node);
    Graph::New d;
    d.op = g_.op(c.node);
    d.in = in;
    d.attrs = &attrs;
    d.origins = {c.node};
    d.before = c.node;
    d.name = std::string(g_.name(c.node));
    d.out_names.resize(old.size());
    for (tenon_value v : old) d.out_absent.push_back(v ? 0 : 1);
    const tenon_node fresh = g_.add(d);
    if (c.how.attrs.size()) g_.set_attrs(fresh, c.how.attrs);
    const Ids made = g_.outputs(fresh);
    for (size_t k = 0; k < old.size(); ++k) {
      if (!old[k]) continue;
      const ValueInfo like = g_.info(old[k]);
      g_.set_type(made[k], like.type(), c.how.output ? moved_dims(like) : like.dims().vec());
      if (c.how.output) second_[old[k]] = made[k];
      else stand_in(old[k], made[k]);
    }
  }
  /// Readers of a value that is now made in the second layout only.
  void redirect(tenon_node producer, tenon_value v) {
    const tenon_value fresh = second_.at(v);
    bool first = g_.info(v).is_output();
    for (tenon_node u : g_.uses(v)) {
      if (readers_.count(u)) continue;
      auto at = by_node_.find(u);
      const bool moved = at != by_node_.end() && cut_.with_source(nodes_[at->second].vertex);
      first |= !moved || !follows_everywhere(nodes_[at->second], v);
    }
    for (tenon_node u : g_.uses(v))
      if (readers_.count(u) && (!g_.info(g_.output(u)).is_output() || !g_.info(fresh).is_output())) stand_in(g_.output(u), fresh);
    if (first) stand_in(v, transpose(fresh, back_, producer, g_.info(v), false));
  }
  /// `fresh` is read wherever `v` was; a graph's output keeps its name.
  void stand_in(tenon_value v, tenon_value fresh) {
    const std::string name = g_.info(v).name();
    const bool output = g_.info(v).is_output();
    g_.replace_uses(v, fresh);
    if (output) ok(api().ir->set_name(g_.ctx(), g_.raw(), 0, fresh, str(name)));
  }

  uint64_t rewrite() {
    std::vector<const Choice*> moved;
    for (const Choice& c : nodes_)
      if (cut_.with_source(c.vertex)) moved.push_back(&c);
    for (const Choice* c : moved) rewrite_node(*c);
    for (const Choice* c : moved)
      if (c->how.output)
        for (tenon_value v : g_.outputs(c->node))
          if (v) redirect(c->node, v);
    for (tenon_node n : readers_) erase_unused(n);
    for (auto it = moved.rbegin(); it != moved.rend(); ++it) erase_unused((*it)->node);
    for (tenon_node n : sources_) erase_unused(n);
    return moved.size();
  }
  void erase_unused(tenon_node n) {
    if (!g_.alive(n)) return;
    for (tenon_value v : g_.outputs(n))
      if (v && g_.info(v).n_uses()) return;
    g_.erase(n);
  }

  Graph& g_;
  Perm perm_, back_;
  bool involution_;
  Roles roles_;
  const RewriteCount& count_;
  std::unordered_map<tenon_node, uint64_t> passed_;  ///< Transposes by the involution on the longest way to a node, with itself
  MinCut cut_;
  std::vector<Choice> nodes_;
  std::unordered_map<tenon_node, size_t> by_node_;
  std::set<tenon_node> sources_, readers_;
  std::unordered_set<tenon_node> folded_;  ///< nodes that compute constants
  std::unordered_map<tenon_value, tenon_value> second_;  ///< value of the first layout -> the same in the second
};

std::set<Perm> permutations(const Graph& g) {
  std::set<Perm> r;
  for (tenon_node n : g.nodes()) {
    const auto name = Graph::op_name(g.op(n));
    if (name.domain != "tenon" || name.name != "Transpose") continue;
    const Perm p = g.attrs(n).ints("perm");
    if (p.empty() || std::is_sorted(p.begin(), p.end())) continue;
    r.insert(p);
    r.insert(inverse(p));
  }
  return r;
}

/// What the Transposes of a graph cost: those that do the same count once, those of constants nothing.
int64_t cost_of_all(const Graph& g) {
  int64_t cost = 0;
  std::unordered_set<tenon_node> folded;
  std::set<std::pair<tenon_value, Perm>> seen;
  for (tenon_node n : g.nodes()) {
    const Ids in = g.inputs(n);
    if (std::all_of(in.begin(), in.end(), [&](tenon_value v) { return !v || g.is_constant(v) || folded.count(g.producer(v)); })) {
      folded.insert(n);
      continue;
    }
    const auto name = Graph::op_name(g.op(n));
    if (name.domain != "tenon" || name.name != "Transpose") continue;
    if (seen.emplace(g.input(n, 0), g.attrs(n).ints("perm")).second) cost += cost_of(g.info(g.output(n)));
  }
  return cost;
}

uint64_t place(Graph& g, const RewriteCount& count) {
  uint64_t changed = 0;
  for (int64_t last = INT64_MAX, cost = cost_of_all(g); cost < last;) {
    uint64_t moved = 0;
    for (const Perm& p : permutations(g)) {
      moved += Placement(g, p, Roles::even_is_source, count).run();
      if (p == inverse(p)) moved += Placement(g, p, Roles::odd_is_source, count).run();
    }
    if (!moved) break;
    changed += moved;
    last = cost;
    cost = cost_of_all(g);
  }
  return changed;
}

uint64_t run(const Ctx& ctx, Graph& main) {
  std::vector<tenon_graph*> graphs = {main.raw()};
  std::unordered_set<tenon_graph*> seen;
  for (tenon_node n : all_nodes(main))
    for (tenon_graph* inner : held_graphs(main, n))
      if (seen.insert(inner).second) graphs.push_back(inner);
  const RewriteCount count(ctx);
  uint64_t changed = 0, done = 0;
  for (tenon_graph* raw : graphs) {
    Graph g(main.ctx(), raw);
    ctx.progress(done++, graphs.size());
    changed += place(g, count);
  }
  return changed;
}

}  // namespace

TENON_PASS("place-transposes",
           R"("class":"exact","summary":"move transposes to where they cost least, by a minimum cut","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
