// SPDX-License-Identifier: Apache-2.0
// merge-common: equal constants become one, then nodes that compute the same become one, in one walk in topological order. A node of a
// nested graph may be replaced by an equal one of an enclosing graph that stands before the holder.
#include <tenon/plugin.hpp>
#include <tenon/rewriting.hpp>

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

#include "common/attr_key.hpp"
#include "common/constants.hpp"
#include "common/id_map.hpp"
#include "common/key_table.hpp"
#include <tenon/walk.hpp>

namespace tenon::passes {
namespace {


uint64_t hash(const uint8_t* p, uint64_t n, uint64_t h) {
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t w;
    std::memcpy(&w, p, 8);
    h = (h ^ w) * 0x9e3779b97f4a7c15ull;
    h ^= h >> 29;
  }
  for (; n; ++p, --n) h = (h ^ *p) * 0x100000001b3ull;
  return h;
}
/// Of the beginning and the end only: most unequal weights differ there, and equal ones are compared in full.
uint64_t hash_ends(Span<uint8_t> b) {
  constexpr uint64_t kEnd = 4096;
  uint64_t h = hash(b.data(), std::min(b.size(), kEnd), b.size());
  return b.size() > kEnd ? hash(b.data() + b.size() - kEnd, kEnd, h) : h;
}

bool commutative(std::string_view name) {
  static const std::string_view all[] = {"Add", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Equal", "LogicalAnd", "LogicalOr", "Mul", "NotEqual"};
  return std::binary_search(std::begin(all), std::end(all), name);
}

class Merger {
 public:
  Merger(const Ctx& ctx, Graph& g) : ctx_(ctx), g_(g), count_(ctx) {}
  uint64_t run() {
    merge_constants();
    shared_ = shared_graphs(g_);
    walk(g_.nodes());
    for (size_t k = 0; k < in_order_.size(); ++k) walk(Graph(ctx_.raw(), in_order_[k]).nodes());
    ctx_.metric("merged-constants", static_cast<double>(constants_));
    ctx_.metric("merged-nodes", static_cast<double>(nodes_));
    return constants_ + nodes_;
  }

 private:
  // constants
  void merge_constants() {
    const auto nodes = all_nodes(g_);
    IdMap seen;
    auto look = [&](tenon_value v) {
      if (v && g_.is_constant(v) && !std::exchange(seen[v], 1)) merge_constant(v);
    };
    for (tenon_node n : nodes) {
      for (tenon_value v : g_.inputs(n)) look(v);
      for (const tenon_attr& a : g_.attrs(n).all())
        if (a.type == TENON_AT_TENSOR) look(a.v.tensor);
    }
  }
  void merge_constant(tenon_value v) {
    const ValueInfo i = g_.info(v);
    uint64_t h = hash_ends(g_.constant_bytes(v));
    for (int64_t d : i.dims()) h = hash(reinterpret_cast<const uint8_t*>(&d), sizeof d, h);
    uint64_t& head = with_hash_[h ? h : 1];
    for (tenon_value first = head; first; first = next_with_hash_.find(first)) {
      if (!same_constant(g_, first, v)) continue;
      tensor_[v] = first;
      if (i.is_output() || !count_.may_rewrite(g_.raw(), 0, "constants")) return;
      g_.replace_uses(v, first);
      // Uses as a tensor attribute stay, so it may live on.
      if (g_.info(v).n_uses() == 0) ok(api().ir->erase_constants(ctx_.raw(), g_.raw(), 1, &v));
      count_.rewritten();
      ++constants_;
      return;
    }
    if (head) next_with_hash_[v] = head;
    head = v;
  }

  // nodes
  void walk(const std::vector<tenon_node>& nodes) {
    const size_t outer = by_key_.size();
    std::string key;
    for (tenon_node n : nodes) {
      if (!g_.alive(n)) continue;
      const auto inner = held_graphs(g_, n);
      for (tenon_graph* x : inner) enter(x);
      key.clear();
      if (!inner.empty() || !key_of(n, &key)) continue;
      bool fresh = false;
      const tenon_node first = by_key_.find_or_add(key, n, &fresh);
      if (!fresh && merge(n, first)) ++nodes_;
    }
    by_key_.shrink(outer);
  }
  /// A shared graph may use nothing of the graphs around it: it gets a walk of its own.
  void enter(tenon_graph* x) {
    if (!shared_.count(x)) return walk(Graph(ctx_.raw(), x).nodes());
    if (met_.insert(x).second) in_order_.push_back(x);
  }
  bool key_of(tenon_node n, std::string* key) const {
    const tenon_operator* o = api().registry->find_operator(g_.op(n));
    if (!o || (o->flags & (TENON_OF_SIDE_EFFECTS | TENON_OF_NONDETERMINISTIC))) return false;
    append(key, g_.op(n));
    Ids in = g_.inputs(n);
    const auto name = Graph::op_name(g_.op(n));
    if (name.domain == "tenon" && commutative(name.name)) std::sort(in.begin(), in.end());
    append(key, in.size());
    for (tenon_value v : in) append(key, v);
    for (tenon_value v : g_.outputs(n)) key->push_back(v ? '1' : '0');
    return append_attrs(g_.attrs(n), key, [this](tenon_value v) { return same_tensor(v); }, [](const tenon_graph*) { return false; });
  }
  tenon_value same_tensor(tenon_value v) const {
    const tenon_value first = tensor_.find(v);
    return first ? first : v;
  }
  /// Everybody who used `twin` uses `first` from now on.
  bool merge(tenon_node twin, tenon_node first) {
    const Ids from = g_.outputs(twin), to = g_.outputs(first);
    const bool elsewhere = g_.graph_of(twin) != g_.graph_of(first);
    for (size_t k = 0; k < from.size(); ++k) {
      if (!from[k]) continue;
      const bool output = g_.info(from[k]).is_output();
      if (output && (elsewhere || g_.info(to[k]).is_output())) return false;
    }
    if (!count_.may_rewrite(g_.raw(), twin, "nodes")) return false;
    for (size_t k = 0; k < from.size(); ++k) {
      if (!from[k]) continue;
      const ValueInfo old = g_.info(from[k]);
      if (old.is_output()) ok(api().ir->set_name(ctx_.raw(), g_.raw(), 0, to[k], str(old.name())));
      g_.replace_uses(from[k], to[k]);
    }
    g_.add_origins(first, {twin});
    g_.erase(twin);
    count_.rewritten();
    return true;
  }

  const Ctx& ctx_;
  Graph& g_;
  RewriteCount count_;
  IdMap with_hash_;       ///< hash of contents -> the constant met last
  IdMap next_with_hash_;  ///< the one with this hash met before; most have none
  IdMap tensor_;          ///< constant -> the equal one met first
  KeyTable by_key_;
  std::unordered_set<tenon_graph*> shared_, met_;
  std::vector<tenon_graph*> in_order_;  ///< shared graphs, as they were met
  uint64_t constants_ = 0, nodes_ = 0;
};

uint64_t run(const Ctx& ctx, Graph& g) { return Merger(ctx, g).run(); }

}  // namespace

TENON_PASS("merge-common",
           R"("class":"exact","summary":"merge equal constants and nodes that compute the same","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
