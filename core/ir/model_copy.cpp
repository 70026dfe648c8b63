// SPDX-License-Identifier: Apache-2.0
// Copying the nodes of a graph that several nodes hold to the place of one of them.
#include <algorithm>
#include <unordered_map>

#include "model_copy.hpp"

namespace tenon::core {
namespace {

tenon_str str(const std::string& s) { return {s.data(), s.size()}; }

class Copier {
 public:
  Copier(Model& m, Slot at) : m_(m), at_(at) {}
  void bind(tenon_value from, tenon_value to) { values_[from] = to; }
  tenon_value copy_of(tenon_value v) const {
    const auto it = values_.find(v);
    return it == values_.end() ? v : it->second;
  }
  /// First the nodes without inputs, then these: the list's order need not be topological.
  Status nodes(const tenon_graph& from, tenon_graph& to, tenon_node before) {
    std::vector<std::pair<Slot, tenon_node>> made;
    for (Slot n = from.first; n; n = m_.nodes.next[n]) {
      auto copy = node(n, to, before);
      if (!copy) return fail(std::move(copy.error()));
      made.emplace_back(n, *copy);
    }
    for (auto [n, copy] : made) TENON_TRY(connect(n, copy));
    return {};
  }

 private:
  Model& m_;
  Slot at_;  ///< the node that the copy replaces
  std::unordered_map<tenon_value, tenon_value> values_;

  Result<tenon_node> node(Slot n, tenon_graph& to, tenon_node before) {
    std::vector<tenon_value> out, made;
    m_.outputs(m_.node_id(n), &out);
    std::vector<std::string> names;
    std::vector<uint8_t> absent;
    for (tenon_value v : out) {
      names.push_back(v ? m_.values.name[slot(v)] : std::string());
      absent.push_back(v == 0);
    }
    std::vector<tenon_str> views;
    for (const auto& s : names) views.push_back(str(s));
    const std::string name = m_.nodes.name[n];
    tenon_node_desc d{};
    d.struct_size = sizeof d;
    d.op = m_.nodes.op[n];
    d.name = str(name);
    d.out_name = views.data(), d.n_out = out.size();
    d.out_absent = absent.data();
    d.before = before;
    auto copy = m_.add_node(to, d);
    if (!copy) return copy;
    m_.nodes.origins[slot(*copy)] = m_.nodes.origins[n];
    keep_origins_of(m_, slot(*copy), at_);
    m_.outputs(*copy, &made);
    for (size_t k = 0; k < out.size(); ++k)
      if (out[k]) TENON_TRY(value(out[k], made[k]));
    return copy;
  }
  Status value(tenon_value from, tenon_value to) {
    bind(from, to);
    const ValueType t = m_.type(from);
    m_.values.quantization[slot(to)] = m_.values.quantization[slot(from)];
    return m_.set_type(to, t.dtype, t.rank, t.dims.data());
  }
  Status connect(Slot n, tenon_node copy) {
    std::vector<tenon_value> in;
    m_.inputs(m_.node_id(n), &in);
    for (auto& v : in) v = copy_of(v);
    TENON_TRY(m_.set_inputs(copy, in.data(), in.size()));
    auto attrs = m_.nodes.attrs[n];
    if (!attrs) return {};
    Status s;
    if (attrs->has_graphs())
      attrs = attrs->with_graphs([&](tenon_graph* g) {
        if (g->shared() || !s) return g;
        return graph(*g, m_.graphs[m_.nodes.graph[slot(copy)]], &s);
      });
    TENON_TRY(std::move(s));
    return m_.set_attrs(copy, attrs->data(), attrs->size());
  }
  tenon_graph* graph(const tenon_graph& from, tenon_graph& parent, Status* s) {
    tenon_graph& to = m_.add_subgraph(parent, from.name);
    for (tenon_value v : from.inputs) {
      auto in = m_.add_input(to, m_.values.name[slot(v)], m_.type(v));
      if (!in) *s = fail(std::move(in.error()));
      else *s = value(v, *in);
      if (!*s) return &to;
    }
    if (*s = nodes(from, to, 0); !*s) return &to;
    std::vector<tenon_value> out;
    std::vector<tenon_str> names;
    for (tenon_value v : from.outputs) out.push_back(copy_of(v));
    for (const auto& name : from.output_names) names.push_back(str(name));
    *s = m_.set_outputs(to, out.data(), names.data(), out.size());
    return &to;
  }
};

}  // namespace

void keep_origins_of(Model& m, Slot n, Slot place) {
  const auto all = m.nodes.origins[n], there = m.nodes.origins[place];
  if (!all || !there) return;
  auto here = std::make_shared<std::vector<uint32_t>>();
  std::set_intersection(all->begin(), all->end(), there->begin(), there->end(), std::back_inserter(*here));
  if (here->empty() || here->size() == all->size()) return;
  if (here->size() == 1) m.nodes.name[n] = m.origins[here->front()].name;
  m.nodes.origins[n] = std::move(here);
}

Status Model::copy_graph(tenon_graph& from, Slot at, const tenon_value* in, tenon_value* outs) {
  Copier copier(*this, at);
  for (size_t k = 0; k < from.inputs.size(); ++k) copier.bind(from.inputs[k], in[k]);
  TENON_TRY(copier.nodes(from, graphs[nodes.graph[at]], node_id(at)));
  for (size_t k = 0; k < from.outputs.size(); ++k) outs[k] = copier.copy_of(from.outputs[k]);
  return {};
}

}  // namespace tenon::core
