// SPDX-License-Identifier: Apache-2.0
#include "outline/node_table.hpp"

#include <tenon/walk.hpp>

#include <algorithm>
#include <map>

#include "common/attr_key.hpp"
#include "common/constants.hpp"

namespace tenon::passes::outline {
namespace {

constexpr int64_t kMostShapeElements = 64;    // of integers that shape inference follows
constexpr int64_t kMostElementsByContent = 16;


/// Integers that may say a shape: inference knows their elements inside a graph, but not what a call of one yields.
bool shape_like(const ValueInfo& i) {
  if (!is_int(i.type()) && i.type().code != TENON_DT_BOOL) return false;
  return i.rank() < 0 || !i.is_static() ? i.rank() < 2 : i.count() <= kMostShapeElements;
}

class Maker {
 public:
  explicit Maker(const Graph& main) : main_(main) {}
  NodeTable run() {
    std::vector<tenon_graph*> graphs = {main_.raw()};
    std::unordered_set<tenon_graph*> seen = {main_.raw()};
    for (tenon_node n : all_nodes(main_))
      for (tenon_graph* inner : held_graphs(main_, n))
        if (seen.insert(inner).second) graphs.push_back(inner);
    for (tenon_graph* g : graphs) add_graph(Graph(main_.ctx(), g));
    for (uint32_t n = 0; n < t_.size(); ++n) label(n);
    t_.n_labels = static_cast<uint32_t>(labels_.size());
    return std::move(t_);
  }

 private:
  const Graph& main_;
  NodeTable t_;
  tenon_op call_ = Graph::op("Call");
  std::unordered_map<tenon_value, uint32_t> values_;
  std::vector<ValueInfo> info_;
  std::vector<std::string> type_;  ///< key of a value's type
  std::unordered_map<std::string, std::vector<uint32_t>> of_content_;
  std::unordered_map<std::string, uint32_t> labels_;

  uint32_t value(tenon_value v) {
    const auto [it, fresh] = values_.try_emplace(v, static_cast<uint32_t>(t_.value.size()));
    if (!fresh) return it->second;
    const ValueInfo i = main_.info(v);
    t_.value.push_back(v);
    t_.uses.emplace_back();
    t_.n_uses.push_back(i.n_uses());
    t_.content.push_back(kNone);
    type_.push_back(type_key(v, i));
    info_.push_back(i);
    if (i.constant()) t_.content.back() = content(it->second);
    return it->second;
  }
  std::string type_key(tenon_value v, const ValueInfo& i) const {
    std::string key;
    append(&key, i.type());
    append(&key, i.rank());
    for (int64_t d : i.dims()) append(&key, d);
    int32_t axis = 0;
    const float* scale{};
    const int64_t* zero{};
    uint64_t count = 0;
    ok(api().ir->quantization(main_.raw(), v, &axis, &scale, &zero, &count));
    if (!count) return key;
    append(&key, axis);
    append(&key, scale, count * sizeof *scale);
    append(&key, zero, count * sizeof *zero);
    return key;
  }
  uint32_t content(uint32_t v) {
    auto& equals = of_content_[type_[v] + hash_text(main_.constant_bytes(t_.value[v]))];
    for (uint32_t first : equals)
      if (same_constant(main_, t_.value[first], t_.value[v])) return first;
    equals.push_back(v);
    return v;
  }
  /// Of some bytes only: equal ones are compared in full.
  static std::string hash_text(Span<uint8_t> b) {
    constexpr size_t kEnd = 64;
    if (b.size() <= 2 * kEnd) return std::string(reinterpret_cast<const char*>(b.data()), b.size());
    std::string s(reinterpret_cast<const char*>(b.data()), kEnd);
    for (size_t k = 1; k < kEnd; ++k) s.push_back(static_cast<char>(b[b.size() / kEnd * k]));
    s.append(reinterpret_cast<const char*>(b.data() + b.size() - kEnd), kEnd);
    return s;
  }

  void add_graph(const Graph& g) {
    const View v = g.view();
    const auto base = static_cast<uint32_t>(t_.size());
    std::vector<uint32_t> row(v.v->n_values);
    for (uint64_t k = 0; k < v.v->n_values; ++k) row[k] = value(v.value(k));
    for (uint64_t r = 0; r < v.size(); ++r) {
      t_.id.push_back(v.node(r));
      t_.graph.push_back(g.raw());
      t_.label.push_back(kNone);
      t_.is_call.push_back(v.op(r) == call_);
      t_.before.emplace_back();
      t_.in.emplace_back();
      t_.out.emplace_back();
      uint32_t slot = 0;
      for (uint32_t k : v.in(r)) {
        Source s;
        if (k != TENON_ROW_NONE) {
          s.value = row[k];
          t_.uses[s.value].push_back({base + static_cast<uint32_t>(r), slot});
          if (v.v->producer[k] != TENON_ROW_NONE) s.node = base + v.v->producer[k];
        }
        t_.in.back().push_back(s);
        ++slot;
      }
      for (uint32_t k : v.out(r)) t_.out.back().push_back(k == TENON_ROW_NONE ? kNone : row[k]);
    }
    for (uint64_t k = 0; k < v.v->n_values; ++k)
      if (v.v->producer[k] != TENON_ROW_NONE)
        for (uint32_t user : v.uses(k)) t_.before[base + user].push_back(base + v.v->producer[k]);
    for (uint32_t n = base; n < t_.size(); ++n)
      for (Source& s : t_.in[n])
        if (s.node != kNone) s.output = static_cast<uint32_t>(std::find(t_.out[s.node].begin(), t_.out[s.node].end(), s.value) - t_.out[s.node].begin());
  }

  void label(uint32_t n) {
    std::string key;
    if (!key_of(n, &key)) return;
    t_.label[n] = labels_.try_emplace(std::move(key), static_cast<uint32_t>(labels_.size())).first->second;
  }
  bool key_of(uint32_t n, std::string* key) const {
    const tenon_op op = main_.op(t_.id[n]);
    const tenon_operator* o = api().registry->find_operator(op);
    if (!o || (o->flags & (TENON_OF_SIDE_EFFECTS | TENON_OF_NONDETERMINISTIC))) return false;
    append(key, op);
    append(key, t_.in[n].size());
    for (const Source& s : t_.in[n]) append_input(s.value, key);
    for (uint32_t v : t_.out[n]) {
      key->push_back(v == kNone ? '_' : 'o');
      if (v == kNone) continue;
      if (shape_like(info_[v])) return false;
      *key += type_[v];
    }
    return append_node_attrs(n, key);
  }
  /// Large float constants may differ from one repeat to the next; others decide what is computed.
  void append_input(uint32_t v, std::string* key) const {
    if (v == kNone) return key->push_back('_');
    const ValueInfo& i = info_[v];
    if (!i.constant()) key->push_back('v');
    else if (is_float(i.type()) && i.count() > kMostElementsByContent) key->push_back('p');
    else {
      key->push_back('c');
      append(key, t_.content[v]);
    }
    *key += type_[v];
  }
  /// A graph may only be there when others hold it too: then it reads nothing from around it.
  bool append_node_attrs(uint32_t n, std::string* key) const {
    return append_attrs(main_.attrs(t_.id[n]), key, [](tenon_value v) { return v; }, [](const tenon_graph*) { return true; });
  }
};

}  // namespace

NodeTable make_table(const Graph& main) { return Maker(main).run(); }

}  // namespace tenon::passes::outline
