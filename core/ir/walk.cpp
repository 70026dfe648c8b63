// SPDX-License-Identifier: Apache-2.0
#include "walk.hpp"

#include <tenon/dtype.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_set>

namespace tenon::core {
namespace {

class Walker {
 public:
  explicit Walker(const Model& m) : m_(m) {}
  Walk run() {
    graph(m_.main());
    w_.used_constants = w_.constants.size();
    for (Slot v = 1; v < m_.values.generation.size(); ++v) constant(v);
    return std::move(w_);
  }

 private:
  const Model& m_;
  Walk w_;
  std::unordered_set<Slot> seen_;
  std::map<std::pair<std::string_view, std::string_view>, uint32_t> origins_;

  void constant(Slot v) {
    if (!m_.alive_value(m_.value_id(v)) || !(m_.values.flags[v] & TENON_VF_CONSTANT) || !seen_.insert(v).second) return;
    w_.constants.push_back(m_.value_id(v));
  }
  std::vector<tenon_node> order(const tenon_graph& g) {
    auto sorted = m_.topological(g);
    if (sorted) return std::move(*sorted);
    if (w_.cycle) w_.cycle = fail(std::move(sorted.error()));
    std::vector<tenon_node> list;
    for (Slot n = g.first; n; n = m_.nodes.next[n]) list.push_back(m_.node_id(n));
    return list;
  }
  void origins(Slot n) {
    if (!m_.nodes.origins[n]) return;
    for (uint32_t o : *m_.nodes.origins[n]) {
      const Origin& origin = m_.origins[o];
      const auto [it, fresh] = origins_.try_emplace({origin.name, origin.operator_name}, static_cast<uint32_t>(w_.origins.size()));
      if (fresh) w_.origins.push_back(o);
      w_.origin_number.try_emplace(o, it->second);
    }
  }
  void graph(const tenon_graph& g) {
    const auto [entry, fresh] = w_.nodes.try_emplace(g.index);
    if (!fresh) return;
    auto& nodes = entry->second;  // references into an unordered_map stay
    nodes = order(g);
    std::vector<tenon_value> in;
    for (tenon_node id : nodes) {
      const Slot n = slot(id);
      origins(n);
      m_.inputs(id, &in);
      for (tenon_value v : in) constant(slot(v));
      if (const AttrSet* a = m_.attrs(id))
        for (uint64_t k = 0; k < a->size(); ++k)
          for_each_reference(a->data()[k], [&](const tenon_graph& x) { graph(x); }, [&](tenon_value v) { constant(slot(v)); });
    }
    for (tenon_value v : g.outputs) constant(slot(v));
    if (g.shared()) w_.shared.push_back(&g);
  }
};

}  // namespace

Walk walk(const Model& m) { return Walker(m).run(); }

std::vector<uint32_t> origin_numbers(const Walk& w, const Model& m, Slot n) {
  std::vector<uint32_t> r;
  if (m.nodes.origins[n])
    for (uint32_t o : *m.nodes.origins[n]) r.push_back(w.origin_number.at(o));
  std::sort(r.begin(), r.end());
  r.erase(std::unique(r.begin(), r.end()), r.end());
  return r;
}

bool visible(const Model& m, Slot v, const tenon_graph& g) {
  if (m.values.flags[v] & TENON_VF_CONSTANT) return true;
  for (const tenon_graph* at = &g;; at = &m.graphs[at->parent]) {
    if (m.values.graph[v] == at->index) return true;
    if (at->index == 0) return false;
  }
}

bool read_string_table(const uint8_t* data, uint64_t bytes, uint64_t count, std::vector<std::string_view>* out) {
  out->clear();
  if (count >= bytes / 8) return false;
  const uint64_t head = (count + 1) * 8;
  const auto offset = [&](uint64_t k) {
    uint64_t o;
    std::memcpy(&o, data + k * 8, 8);
    return o;
  };
  if (offset(0) != 0) return false;
  for (uint64_t k = 0; k < count; ++k) {
    const uint64_t begin = offset(k), end = offset(k + 1);
    if (begin > end || end > bytes - head) return false;
    out->emplace_back(reinterpret_cast<const char*>(data) + head + begin, end - begin);
  }
  return true;
}

std::vector<uint8_t> write_string_table(const std::vector<std::string>& strings) {
  std::vector<uint8_t> r((strings.size() + 1) * 8);
  uint64_t offset = 0;
  for (size_t k = 0; k < strings.size(); ++k) {
    offset += strings[k].size();
    std::memcpy(r.data() + (k + 1) * 8, &offset, 8);
  }
  for (const auto& s : strings) r.insert(r.end(), s.begin(), s.end());
  return r;
}

bool constant_size(const ValueType& t, uint64_t* elements, uint64_t* bytes) {
  *elements = 1;
  if (t.rank < 0 || !is_tensor(t.dtype) || t.dtype.bits == 0) return false;
  for (int64_t d : t.dims)
    if (d < 0 || __builtin_mul_overflow(*elements, static_cast<uint64_t>(d), elements)) return false;
  if (*elements >= 1ull << 56) return false;
  *bytes = t.dtype.code == TENON_DT_STRING ? (*elements + 1) * 8 : bytes_of(t.dtype, *elements);
  return true;
}

}  // namespace tenon::core
