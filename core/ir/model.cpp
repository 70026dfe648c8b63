// SPDX-License-Identifier: Apache-2.0
// Reading and the id bookkeeping of a model; edits are in model_edit.cpp, order and views in model_view.cpp.
#include "model.hpp"

#include <algorithm>
#include <unordered_set>

namespace tenon::core {

Model::Model() {
  auto none = [](auto&... column) { (column.emplace_back(), ...); };
  none(nodes.generation, nodes.op, nodes.name, nodes.graph, nodes.prev, nodes.next, nodes.in_begin, nodes.in_count, nodes.out_begin,
       nodes.out_count, nodes.attrs, nodes.origins, nodes.stale);
  none(values.generation, values.name, values.graph, values.dtype, values.rank, values.dim_off, values.producer, values.output_index,
       values.flags, values.first_use, values.last_use, values.n_uses, values.extra_uses, values.constant, values.quantization);
  operands.emplace_back();
  operand_ids.emplace_back();
  results.emplace_back();
  constants.emplace_back();
  auto& g = graphs.emplace_back();
  g.model = this;
  g.name = "main";
}

std::unique_ptr<Model> Model::clone() const {
  auto m = std::make_unique<Model>();
  m->nodes = nodes;
  m->values = values;
  m->operands = operands;
  m->operand_ids = operand_ids;
  m->results = results;
  m->dim_pool = dim_pool;
  m->constants = constants;
  m->origins = origins;
  m->graphs = graphs;
  m->symbols = symbols;
  m->metadata = metadata;
  m->variables = variables;
  m->left_because = left_because;
  m->epoch = epoch;
  m->type_epoch = type_epoch;
  m->importing = importing;
  m->inferred = inferred;
  m->shape_values = shape_values;
  m->settled = settled;
  m->free_nodes_ = free_nodes_;
  m->free_values_ = free_values_;
  for (auto& g : m->graphs) {
    g.model = m.get();
    g.view.reset();
  }
  for (auto& a : m->nodes.attrs)
    if (a && a->has_graphs()) a = a->with_graphs([&](tenon_graph* g) { return &m->graphs[g->index]; });
  return m;
}

void Model::save() { before_ = clone(); }
void Model::remember() {
  before_.reset();
  remembering_ = true;
}
std::unique_ptr<Model> Model::recall() {
  remembering_ = false;
  return std::move(before_);
}

Status Model::check_node(tenon_node n) const {
  if (alive_node(n)) return {};
  return fail(TENON_E_STALE, "a node id is stale: the node was erased, or belongs to another model");
}
Status Model::check_value(tenon_value v) const {
  if (alive_value(v)) return {};
  return fail(TENON_E_STALE, "a value id is stale: the value was erased, or belongs to another model");
}

ValueType Model::type(tenon_value v) const {
  Slot s = slot(v);
  ValueType t{values.dtype[s], values.rank[s], {}};
  if (t.rank > 0) t.dims.assign(dims(s), dims(s) + t.rank);
  return t;
}

void Model::inputs(tenon_node n, std::vector<tenon_value>* out) const {
  Slot s = slot(n);
  out->clear();
  for (uint32_t k = 0; k < nodes.in_count[s]; ++k) out->push_back(operand_ids[nodes.in_begin[s] + k]);
}
void Model::outputs(tenon_node n, std::vector<tenon_value>* out) const {
  Slot s = slot(n);
  out->clear();
  for (uint32_t k = 0; k < nodes.out_count[s]; ++k) out->push_back(results[nodes.out_begin[s] + k]);
}

std::pair<const uint8_t*, uint64_t> Model::constant_bytes(tenon_value v) const {
  const auto& c = constants[values.constant[slot(v)]];
  if (!c.buffer) return {nullptr, 0};
  return {c.buffer.data() + c.offset, c.bytes};
}

std::vector<std::string> Model::origin_names(tenon_node n) const {
  std::vector<std::string> r;
  if (const auto& o = nodes.origins[slot(n)])
    for (uint32_t i : *o) r.push_back(origins[i].name);
  return r;
}

uint64_t Model::n_nodes() const {
  uint64_t n = 0;
  for (const auto& g : graphs)
    if (g.alive) n += g.n_nodes;
  return n;
}

std::vector<const tenon_graph*> Model::nested(const tenon_graph& g) const {
  std::vector<const tenon_graph*> r{&g};
  std::unordered_set<uint32_t> seen{g.index};
  auto add = [&](const tenon_graph* x) {
    if (seen.insert(x->index).second) r.push_back(x);
  };
  for (size_t i = 0; i < r.size(); ++i)
    for (Slot n = r[i]->first; n; n = nodes.next[n]) {
      const AttrSet* a = nodes.attrs[n].get();
      if (!a || !a->has_graphs()) continue;
      for (uint64_t k = 0; k < a->size(); ++k) {
        const tenon_attr& x = a->data()[k];
        if (x.type == TENON_AT_GRAPH) add(x.v.graph);
        if (x.type == TENON_AT_GRAPHS) std::for_each(x.v.graphs, x.v.graphs + x.count, add);
      }
    }
  return r;
}

std::vector<tenon_value> Model::captures(const tenon_graph& g) const {
  auto inner = nested(g);
  std::unordered_set<uint32_t> own;
  for (const auto* x : inner) own.insert(x->index);
  std::unordered_set<Slot> seen;
  std::vector<tenon_value> r;
  auto use = [&](Slot v) {
    if (!v || (values.flags[v] & TENON_VF_CONSTANT) || own.count(values.graph[v]) || !seen.insert(v).second) return;
    r.push_back(value_id(v));
  };
  for (const auto* x : inner) {
    for (Slot n = x->first; n; n = nodes.next[n])
      for (uint32_t k = 0; k < nodes.in_count[n]; ++k) use(operands[nodes.in_begin[n] + k].value);
    for (tenon_value o : x->outputs) use(slot(o));
  }
  return r;
}

}  // namespace tenon::core
