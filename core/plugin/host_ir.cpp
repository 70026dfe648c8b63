// SPDX-License-Identifier: Apache-2.0
// The IR interface for plugins: a thin layer over Model.
#include <algorithm>
#include <unordered_map>

#include "../ir/model.hpp"
#include "host_tables.hpp"
#include "session.hpp"

namespace tenon::core {
namespace {

// Arrays that have no column to point into: one scratch for each thread, used by one call at a time.
template <class T>
std::vector<T>& scratch() {
  thread_local std::vector<T> v;
  v.clear();
  return v;
}
std::string& scratch_text() {
  thread_local std::string ring[16];
  thread_local size_t at = 0;
  return ring[at++ % 16];
}

tenon_op TENON_CALL op_intern(tenon_str domain, tenon_str name, int32_t version) noexcept { return intern_op(view(domain), view(name), version); }
void TENON_CALL get_op_name(tenon_op op, tenon_str* domain, tenon_str* name, int32_t* version) noexcept {
  OpName o = op_name(op);
  if (domain) *domain = str(o.domain);
  if (name) *name = str(o.name);
  if (version) *version = o.version;
}

// What the operators' definitions say about the nodes; the model itself knows no operators.
void add_operator_flags(ViewStorage& view) {
  std::unordered_map<tenon_op, uint8_t> known;
  for (size_t r = 0; r < view.op.size(); ++r) {
    auto [it, fresh] = known.try_emplace(view.op[r], uint8_t{0});
    if (fresh) {
      const tenon_operator* o = registry_table().find_operator(view.op[r]);
      if (o && (o->flags & TENON_OF_SIDE_EFFECTS)) it->second |= TENON_NF_SIDE_EFFECTS;
      if (o && (o->flags & TENON_OF_NONDETERMINISTIC)) it->second |= TENON_NF_NONDETERMINISTIC;
    }
    view.nflags[r] |= it->second;
  }
}

tenon_error* TENON_CALL get_view(tenon_ctx*, tenon_graph* g, const tenon_view** out) noexcept {
  return protect([&]() -> Status {
    auto v = g->model->view(*g);
    if (!v) return fail(std::move(v.error()));
    add_operator_flags(*g->view);
    *out = *v;
    return {};
  });
}
uint64_t TENON_CALL get_epoch(const tenon_graph* g) noexcept { return g->model->epoch; }
int32_t TENON_CALL alive(tenon_graph* g, tenon_node n) noexcept { return g->model->alive_node(n); }
int32_t TENON_CALL value_alive(tenon_graph* g, tenon_value v) noexcept { return g->model->alive_value(v); }

tenon_error* TENON_CALL node_io(tenon_graph* g, tenon_node n, const tenon_value** in, uint64_t* n_in, const tenon_value** out, uint64_t* n_out) noexcept {
  return protect([&]() -> Status {
    TENON_TRY(g->model->check_node(n));
    const Model& m = *g->model;
    Slot s = slot(n);
    *in = m.operand_ids.data() + m.nodes.in_begin[s];
    *n_in = m.nodes.in_count[s];
    *out = m.results.data() + m.nodes.out_begin[s];
    *n_out = m.nodes.out_count[s];
    return {};
  });
}
tenon_error* TENON_CALL node_op(tenon_graph* g, tenon_node n, tenon_op* op, tenon_str* name, tenon_graph** graph) noexcept {
  return protect([&]() -> Status {
    Model& m = *g->model;
    TENON_TRY(m.check_node(n));
    if (op) *op = m.nodes.op[slot(n)];
    if (name) *name = str(m.nodes.name[slot(n)]);
    if (graph) *graph = &m.graphs[m.nodes.graph[slot(n)]];
    return {};
  });
}
tenon_error* TENON_CALL node_attrs(tenon_graph* g, tenon_node n, const tenon_attr** attrs, uint64_t* count) noexcept {
  return protect([&]() -> Status {
    TENON_TRY(g->model->check_node(n));
    const AttrSet* a = g->model->attrs(n);
    *attrs = a ? a->data() : nullptr;
    *count = a ? a->size() : 0;
    return {};
  });
}
tenon_error* TENON_CALL node_origins(tenon_graph* g, tenon_node n, const tenon_str** names, uint64_t* count) noexcept {
  return protect([&]() -> Status {
    Model& m = *g->model;
    TENON_TRY(m.check_node(n));
    auto& r = scratch<tenon_str>();
    if (const auto& o = m.nodes.origins[slot(n)])
      for (uint32_t i : *o) r.push_back(str(m.origins[i].name));
    *names = r.data();
    *count = r.size();
    return {};
  });
}
tenon_error* TENON_CALL value_info(tenon_graph* g, tenon_value v, tenon_value_info* out) noexcept {
  return protect([&]() -> Status {
    Model& m = *g->model;
    TENON_TRY(m.check_value(v));
    Slot s = slot(v);
    tenon_value_info i{};
    i.struct_size = std::min<uint32_t>(out->struct_size, sizeof i);
    i.rank = m.values.rank[s];
    i.dim = m.dims(s);
    i.type = m.values.dtype[s];
    i.name = str(m.values.name[s]);
    i.producer = m.node_id(m.values.producer[s]);
    i.output_index = m.values.output_index[s];
    i.flags = m.values.flags[s];
    i.n_uses = static_cast<uint64_t>(m.values.n_uses[s]) + m.values.extra_uses[s];
    i.graph = &m.graphs[m.values.graph[s]];
    std::copy_n(reinterpret_cast<const char*>(&i), i.struct_size, reinterpret_cast<char*>(out));
    return {};
  });
}
tenon_error* TENON_CALL value_uses(tenon_graph* g, tenon_value v, const tenon_node** nodes, uint64_t* count) noexcept {
  return protect([&]() -> Status {
    Model& m = *g->model;
    TENON_TRY(m.check_value(v));
    auto& r = scratch<tenon_node>();
    for (uint32_t o = m.values.first_use[slot(v)]; o; o = m.operands[o].next) {
      tenon_node n = m.node_id(m.operands[o].node);
      if (r.size() < 32 ? std::find(r.begin(), r.end(), n) == r.end() : r.back() != n) r.push_back(n);
    }
    if (r.size() >= 32) {
      std::sort(r.begin(), r.end());
      r.erase(std::unique(r.begin(), r.end()), r.end());
    }
    *nodes = r.data();
    *count = r.size();
    return {};
  });
}
tenon_error* TENON_CALL constant(tenon_graph* g, tenon_value v, tenon_buffer** buffer, uint64_t* offset, uint64_t* bytes) noexcept {
  return protect([&]() -> Status {
    Model& m = *g->model;
    TENON_TRY(m.check_value(v));
    const Constant& c = m.constants[m.values.constant[slot(v)]];
    if (!c.buffer) return fail(Error(TENON_E_INVALID, "the value is no constant").with("value", m.values.name[slot(v)]));
    *buffer = c.buffer.get();
    *offset = c.offset;
    if (bytes) *bytes = c.bytes;
    return {};
  });
}
tenon_error* TENON_CALL graph_io(tenon_graph* g, const tenon_value** in, uint64_t* n_in, const tenon_value** out, uint64_t* n_out) noexcept {
  return protect([&]() -> Status {
    *in = g->inputs.data();
    *n_in = g->inputs.size();
    *out = g->outputs.data();
    *n_out = g->outputs.size();
    return {};
  });
}
tenon_error* TENON_CALL graph_output_name(tenon_graph* g, uint64_t index, tenon_str* name) noexcept {
  return protect([&]() -> Status {
    if (index >= g->output_names.size()) return fail(TENON_E_INVALID, "the graph has no output " + std::to_string(index));
    *name = str(g->output_names[index]);
    return {};
  });
}
tenon_graph* TENON_CALL parent(tenon_graph* g, tenon_node* holder) noexcept {
  if (holder) *holder = g->holders.empty() ? 0 : *g->holders.begin();
  return g->index == 0 ? nullptr : &g->model->graphs[g->parent];
}
tenon_error* TENON_CALL captures(tenon_ctx*, tenon_graph* g, const tenon_value** values, uint64_t* count) noexcept {
  return protect([&]() -> Status {
    auto& r = scratch<tenon_value>();
    r = g->model->captures(*g);
    *values = r.data();
    *count = r.size();
    return {};
  });
}
int64_t TENON_CALL symbol(tenon_graph* g, tenon_str name) noexcept { return g->model->symbols.named(view(name)); }
void TENON_CALL symbol_name(tenon_graph* g, int64_t dim, tenon_str* text) noexcept {
  auto& s = scratch_text();
  s = g->model->symbols.text(dim);
  *text = str(s);
}
int64_t TENON_CALL dim_op(tenon_graph* g, int32_t op, int64_t a, int64_t b) noexcept { return g->model->symbols.apply(op, a, b); }

tenon_error* TENON_CALL add_inputs(tenon_ctx*, tenon_graph* g, uint64_t n, const tenon_str* names, const tenon_dtype* types, const int32_t* ranks, const int64_t* dims, tenon_value* out) noexcept {
  return protect([&]() -> Status {
    for (uint64_t i = 0; i < n; ++i) {
      ValueType t{types[i], ranks[i], {}};
      if (ranks[i] > 0) t.dims.assign(dims, dims + ranks[i]);
      if (ranks[i] > 0) dims += ranks[i];
      auto v = g->model->add_input(*g, view(names[i]), t);
      if (!v) return fail(std::move(v.error()));
      out[i] = *v;
    }
    return {};
  });
}
tenon_error* TENON_CALL add_constant(tenon_ctx*, tenon_graph* g, tenon_str name, tenon_dtype t, int32_t rank, const int64_t* dims, tenon_buffer* b, uint64_t offset, tenon_value* out) noexcept {
  return protect([&]() -> Status {
    ValueType type{t, rank, {}};
    if (rank > 0) type.dims.assign(dims, dims + rank);
    auto v = g->model->add_constant(view(name), type, BufferRef::share(b), offset);
    if (!v) return fail(std::move(v.error()));
    *out = *v;
    return {};
  });
}
tenon_error* TENON_CALL add_nodes(tenon_ctx*, tenon_graph* g, uint64_t n, const tenon_node_desc* const* d, tenon_node* nodes, tenon_value* outs) noexcept {
  return protect([&]() -> Status {
    std::vector<tenon_value> made;
    for (uint64_t i = 0; i < n; ++i) {
      tenon_node_desc x{};
      std::copy_n(reinterpret_cast<const char*>(d[i]), std::min<size_t>(d[i]->struct_size, sizeof x), reinterpret_cast<char*>(&x));
      auto node = g->model->add_node(*g, x);
      if (!node) return fail(std::move(node.error()));
      if (nodes) nodes[i] = *node;
      g->model->outputs(*node, &made);
      if (outs) outs = std::copy(made.begin(), made.end(), outs);
    }
    return {};
  });
}
tenon_error* TENON_CALL add_subgraph(tenon_ctx*, tenon_graph* g, tenon_str name, tenon_graph** out) noexcept {
  return protect([&]() -> Status {
    *out = &g->model->add_subgraph(*g, view(name));
    return {};
  });
}
tenon_error* TENON_CALL set_inputs(tenon_ctx*, tenon_graph* g, tenon_node n, const tenon_value* in, uint64_t count) noexcept {
  return protect([&] { return g->model->set_inputs(n, in, count); });
}
tenon_error* TENON_CALL set_op(tenon_ctx*, tenon_graph* g, tenon_node n, tenon_op op) noexcept {
  return protect([&] { return g->model->set_op(n, op); });
}
tenon_error* TENON_CALL set_attrs(tenon_ctx*, tenon_graph* g, tenon_node n, const tenon_attr* a, uint64_t count) noexcept {
  return protect([&] { return g->model->set_attrs(n, a, count); });
}
tenon_error* TENON_CALL set_type(tenon_ctx*, tenon_graph* g, tenon_value v, tenon_dtype t, int32_t rank, const int64_t* dims) noexcept {
  return protect([&] { return g->model->set_type(v, t, rank, dims); });
}
tenon_error* TENON_CALL set_outputs(tenon_ctx*, tenon_graph* g, const tenon_value* out, const tenon_str* names, uint64_t n) noexcept {
  return protect([&] { return g->model->set_outputs(*g, out, names, n); });
}
tenon_error* TENON_CALL set_name(tenon_ctx*, tenon_graph* g, tenon_node n, tenon_value v, tenon_str name) noexcept {
  return protect([&]() -> Status {
    Model& m = *g->model;
    m.keep();
    if (n) {
      TENON_TRY(m.check_node(n));
      m.nodes.name[slot(n)] = view(name);
    }
    if (v) {
      TENON_TRY(m.check_value(v));
      m.values.name[slot(v)] = view(name);
    }
    return {};
  });
}
tenon_error* TENON_CALL add_origins(tenon_ctx*, tenon_graph* g, tenon_node n, const tenon_node* from, uint64_t count) noexcept {
  return protect([&] { return g->model->add_origins(n, from, count); });
}
tenon_error* TENON_CALL replace_uses(tenon_ctx*, tenon_graph* g, uint64_t n, const tenon_value* from, const tenon_value* to) noexcept {
  return protect([&]() -> Status {
    for (uint64_t i = 0; i < n; ++i) TENON_TRY(g->model->replace_uses(from[i], to[i]));
    return {};
  });
}
tenon_error* TENON_CALL erase_nodes(tenon_ctx*, tenon_graph* g, uint64_t n, const tenon_node* nodes) noexcept {
  return protect([&] { return g->model->erase_nodes(nodes, n); });
}
tenon_error* TENON_CALL erase_constants(tenon_ctx*, tenon_graph* g, uint64_t n, const tenon_value* v) noexcept {
  return protect([&] { return g->model->erase_constants(v, n); });
}
tenon_error* TENON_CALL inline_graph(tenon_ctx*, tenon_graph* g, tenon_graph* from, tenon_node at, const tenon_value* in, uint64_t n_in, tenon_value* outs, uint64_t n_outs) noexcept {
  return protect([&] { return g->model->inline_graph(*g, *from, at, in, n_in, outs, n_outs); });
}
tenon_error* TENON_CALL set_quantization(tenon_ctx*, tenon_graph* g, tenon_value v, int32_t axis, const float* scale, const int64_t* zero_point, uint64_t count) noexcept {
  return protect([&]() -> Status {
    TENON_TRY(g->model->check_value(v));
    auto q = std::make_shared<Quantization>();
    q->axis = axis;
    q->scale.assign(scale, scale + count);
    q->zero_point.assign(zero_point, zero_point + count);
    g->model->keep();
    ++g->model->epoch;
    g->model->values.quantization[slot(v)] = count ? std::move(q) : nullptr;
    return {};
  });
}
tenon_error* TENON_CALL quantization(tenon_graph* g, tenon_value v, int32_t* axis, const float** scale, const int64_t** zero_point, uint64_t* count) noexcept {
  return protect([&]() -> Status {
    TENON_TRY(g->model->check_value(v));
    const auto& q = g->model->values.quantization[slot(v)];
    *count = q ? q->scale.size() : 0;
    if (!q) return {};
    *axis = q->axis;
    *scale = q->scale.data();
    *zero_point = q->zero_point.data();
    return {};
  });
}
tenon_error* TENON_CALL set_metadata(tenon_ctx*, tenon_graph* g, tenon_str key, tenon_str text) noexcept {
  return protect([&]() -> Status {
    g->model->keep();
    g->model->metadata[std::string(view(key))] = std::string(view(text));
    return {};
  });
}

}  // namespace

const tenon_ir_api& ir_table() {
  static const tenon_ir_api t{sizeof(tenon_ir_api), 0, op_intern, get_op_name, get_view, get_epoch, alive, value_alive, node_io, node_op, node_attrs,
                              node_origins, value_info, value_uses, constant, graph_io, graph_output_name, parent, captures, symbol, symbol_name, dim_op,
                              add_inputs, add_constant, add_nodes, add_subgraph, set_inputs, set_op, set_attrs, set_type, set_outputs, set_name, add_origins,
                              replace_uses, erase_nodes, erase_constants, inline_graph, set_quantization, quantization, set_metadata};
  return t;
}

}  // namespace tenon::core
