// SPDX-License-Identifier: Apache-2.0
#include <tenon/dtype.hpp>

#include <algorithm>
#include <cstring>

#include "model_copy.hpp"

namespace tenon::core {
namespace {

std::string_view text(tenon_str s) { return s.data ? std::string_view(s.data, s.len) : std::string_view(); }

/// Grows every column by one and returns the new slot.
template <class First, class... Rest>
Slot grow(First& first, Rest&... rest) {
  first.emplace_back();
  (rest.emplace_back(), ...);
  return static_cast<Slot>(first.size() - 1);
}

Status check_shape(tenon_dtype, int32_t rank, const int64_t*) {
  if (rank < -1 || rank > 64) return fail(TENON_E_INVALID, "rank " + std::to_string(rank) + " is out of range (-1 to 64)");
  return {};
}

/// Elements of a static shape; false on overflow or a dimension that is no number.
bool static_count(const std::vector<int64_t>& dims, uint64_t* n) {
  *n = 1;
  for (int64_t d : dims) {
    if (d < 0 || __builtin_mul_overflow(*n, static_cast<uint64_t>(d), n)) return false;
  }
  return *n < (1ull << 56);
}

}  // namespace

Slot Model::new_value(std::string_view name, uint32_t graph, uint8_t flags) {
  Slot v;
  if (!free_values_.empty()) {
    v = free_values_.back();
    free_values_.pop_back();
    ++values.generation[v];
  } else {
    v = grow(values.generation, values.name, values.graph, values.dtype, values.rank, values.dim_off, values.producer, values.output_index,
             values.flags, values.first_use, values.last_use, values.n_uses, values.extra_uses, values.constant, values.quantization);
    values.generation[v] = 1;
  }
  values.name[v] = name;
  values.graph[v] = graph;
  values.flags[v] = flags;
  values.rank[v] = TENON_RANK_UNKNOWN;
  return v;
}

void Model::free_value(Slot v) {
  ++values.generation[v];
  values.name[v].clear();
  values.dtype[v] = {};
  values.rank[v] = TENON_RANK_UNKNOWN;
  values.producer[v] = values.output_index[v] = 0;
  values.first_use[v] = values.last_use[v] = values.n_uses[v] = values.extra_uses[v] = 0;
  values.flags[v] = 0;
  if (values.constant[v]) constants[values.constant[v]] = {};
  values.constant[v] = 0;
  values.quantization[v].reset();
  free_values_.push_back(v);
}

void Model::write_type(Slot v, tenon_dtype t, int32_t rank, const int64_t* d) {
  values.dtype[v] = t;
  if (rank > 0 && values.rank[v] >= rank) {
    std::copy(d, d + rank, dim_pool.begin() + static_cast<int64_t>(values.dim_off[v]));
  } else if (rank > 0) {
    std::vector<int64_t> copy(d, d + rank);  // d may point into the pool
    values.dim_off[v] = dim_pool.size();
    dim_pool.insert(dim_pool.end(), copy.begin(), copy.end());
  }
  values.rank[v] = rank;
}

bool Model::same_type(Slot v, tenon_dtype t, int32_t rank, const int64_t* d) const {
  return values.dtype[v] == t && values.rank[v] == rank && (rank <= 0 || std::equal(d, d + rank, dims(v)));
}

void Model::touch_users(Slot v) {
  for (uint32_t o = values.first_use[v]; o; o = operands[o].next) touch(operands[o].node);
}

void Model::touch_holders(const tenon_graph& g) {
  for (tenon_node n : g.holders)
    if (alive_node(n)) touch(slot(n));
}

Result<tenon_value> Model::add_input(tenon_graph& g, std::string_view name, const ValueType& t) {
  TENON_TRY(check_shape(t.dtype, t.rank, t.dims.data()));
  edit();
  Slot v = new_value(name, g.index, TENON_VF_INPUT);
  write_type(v, t.dtype, t.rank, t.dims.data());
  g.inputs.push_back(value_id(v));
  return value_id(v);
}

Result<tenon_value> Model::add_constant(std::string_view name, const ValueType& t, BufferRef buffer, uint64_t offset) {
  uint64_t n = 0;
  if (t.rank < 0 || !static_count(t.dims, &n))
    return fail(Error(TENON_E_INVALID, "a constant needs a static shape of a possible size").with("value", std::string(name)));
  uint64_t bytes = bytes_of(t.dtype, n);
  uint64_t have = buffer.size();
  if (t.dtype.code == TENON_DT_STRING) bytes = have - std::min(offset, have);  // offset table and text
  if (!buffer || offset > have || bytes > have - offset)
    return fail(Error(TENON_E_INVALID, "a constant's bytes lie outside its buffer")
                    .with("value", std::string(name))
                    .with("expected", std::to_string(bytes) + " bytes at offset " + std::to_string(offset))
                    .with("found", "a buffer of " + std::to_string(have) + " bytes"));
  edit();
  Slot v = new_value(name, 0, TENON_VF_CONSTANT);
  write_type(v, t.dtype, t.rank, t.dims.data());
  values.constant[v] = static_cast<uint32_t>(constants.size());
  constants.push_back({std::move(buffer), offset, bytes});
  return value_id(v);
}

void Model::link_operands(Slot n, const tenon_value* in, uint64_t count) {
  auto begin = static_cast<uint32_t>(operands.size());
  if (nodes.in_count[n] >= count && nodes.in_begin[n]) begin = nodes.in_begin[n];
  else {
    operands.resize(operands.size() + count);
    operand_ids.resize(operands.size());
  }
  nodes.in_begin[n] = begin;
  nodes.in_count[n] = static_cast<uint32_t>(count);
  for (uint32_t k = 0; k < count; ++k) {
    Slot v = slot(in[k]);
    uint32_t o = begin + k;
    operands[o] = {v, n, 0, 0};
    operand_ids[o] = in[k];
    if (!v) continue;
    operands[o].prev = values.last_use[v];
    (values.last_use[v] ? operands[values.last_use[v]].next : values.first_use[v]) = o;
    values.last_use[v] = o;
    ++values.n_uses[v];
  }
}

void Model::unlink_operands(Slot n) {
  for (uint32_t k = 0; k < nodes.in_count[n]; ++k) {
    Operand& o = operands[nodes.in_begin[n] + k];
    if (!o.value) continue;
    (o.prev ? operands[o.prev].next : values.first_use[o.value]) = o.next;
    (o.next ? operands[o.next].prev : values.last_use[o.value]) = o.prev;
    --values.n_uses[o.value];
    o = {};
    operand_ids[nodes.in_begin[n] + k] = 0;
  }
}

void Model::unlink_order(Slot n) {
  auto& g = graphs[nodes.graph[n]];
  (nodes.prev[n] ? nodes.next[nodes.prev[n]] : g.first) = nodes.next[n];
  (nodes.next[n] ? nodes.prev[nodes.next[n]] : g.last) = nodes.prev[n];
  nodes.prev[n] = nodes.next[n] = 0;
  --g.n_nodes;
}

void Model::insert_order(tenon_graph& g, Slot n, Slot before) {
  nodes.graph[n] = g.index;
  nodes.next[n] = before;
  nodes.prev[n] = before ? nodes.prev[before] : g.last;
  (nodes.prev[n] ? nodes.next[nodes.prev[n]] : g.first) = n;
  (before ? nodes.prev[before] : g.last) = n;
  ++g.n_nodes;
}

void Model::count_attr_tensors(const AttrSet* a, int delta) {
  if (!a) return;
  auto count = [&](tenon_value v) {
    if (alive_value(v)) values.extra_uses[slot(v)] += static_cast<uint32_t>(delta);
  };
  for (uint64_t k = 0; k < a->size(); ++k) {
    const auto& x = a->data()[k];
    if (x.type == TENON_AT_TENSOR) count(x.v.tensor);
    if (x.type == TENON_AT_TENSORS)
      for (uint64_t j = 0; j < x.count; ++j) count(x.v.tensors[j]);
  }
}

void Model::hold_graphs(Slot n) {
  if (!nodes.attrs[n] || !nodes.attrs[n]->has_graphs()) return;
  nodes.attrs[n]->with_graphs([&](tenon_graph* g) {
    g->holders.insert(node_id(n));
    g->parent = g->shared() ? 0 : nodes.graph[n];
    return g;
  });
}

// A graph that one node is left to hold is nested again where that node is.
void Model::unhold_graphs(Slot n, const AttrSet* a) {
  if (!a || !a->has_graphs()) return;
  a->with_graphs([&](tenon_graph* g) {
    if (g->shared()) touch_holders(*g);
    g->holders.erase(node_id(n));
    if (g->holders.size() == 1) g->parent = nodes.graph[slot(*g->holders.begin())];
    return g;
  });
}

// A nested graph dies with the last node that holds it.
void Model::release_graphs(Slot n) {
  auto attrs = nodes.attrs[n];
  if (!attrs || !attrs->has_graphs()) return;
  unhold_graphs(n, attrs.get());
  attrs->with_graphs([&](tenon_graph* g) {
    if (g->alive && g->holders.empty()) erase_graph(*g);
    return g;
  });
}

void Model::erase_graph(tenon_graph& g) {
  (void)set_outputs(g, nullptr, nullptr, 0);
  while (g.last) {
    tenon_node last = node_id(g.last);
    if (!erase_nodes(&last, 1)) break;
  }
  for (tenon_value v : g.inputs)
    if (alive_value(v) && values.n_uses[slot(v)] + values.extra_uses[slot(v)] == 0) free_value(slot(v));
  g.inputs.clear();
  g.alive = false;
}

Result<tenon_node> Model::add_node(tenon_graph& g, const tenon_node_desc& d) {
  for (uint64_t k = 0; k < d.n_in; ++k)
    if (d.in[k]) TENON_TRY(check_value(d.in[k]));
  for (uint64_t k = 0; k < d.n_origin; ++k) TENON_TRY(check_node(d.origin[k]));
  tenon_graph* where = &g;
  if (d.before) {
    TENON_TRY(check_node(d.before));
    where = &graphs[nodes.graph[slot(d.before)]];
  }
  edit();
  Slot n;
  if (!free_nodes_.empty()) {
    n = free_nodes_.back();
    free_nodes_.pop_back();
    ++nodes.generation[n];
  } else {
    n = grow(nodes.generation, nodes.op, nodes.name, nodes.graph, nodes.prev, nodes.next, nodes.in_begin, nodes.in_count, nodes.out_begin,
             nodes.out_count, nodes.attrs, nodes.origins, nodes.stale);
    nodes.generation[n] = 1;
  }
  touch(n);
  nodes.op[n] = d.op;
  nodes.name[n] = text(d.name);
  insert_order(*where, n, slot(d.before));
  link_operands(n, d.in, d.n_in);
  nodes.attrs[n] = d.n_attr ? AttrSet::make(d.attr, d.n_attr) : nullptr;
  count_attr_tensors(nodes.attrs[n].get(), +1);
  hold_graphs(n);
  if (nodes.out_count[n] < d.n_out || !nodes.out_begin[n]) {
    nodes.out_begin[n] = static_cast<uint32_t>(results.size());
    results.resize(results.size() + d.n_out);
  }
  nodes.out_count[n] = static_cast<uint32_t>(d.n_out);
  for (uint32_t k = 0; k < d.n_out; ++k) {
    Slot v = 0;
    if (!d.out_absent || !d.out_absent[k]) {
      v = new_value(d.out_name ? text(d.out_name[k]) : std::string_view(), where->index, 0);
      values.producer[v] = n;
      values.output_index[v] = k;
    }
    results[nodes.out_begin[n] + k] = value_id(v);
  }
  nodes.origins[n].reset();
  if (d.n_origin) {
    TENON_TRY(add_origins(node_id(n), d.origin, d.n_origin));
  } else if (importing) {
    OpName op = op_name(d.op);
    std::string name(text(d.name));
    if (name.empty() && d.n_out && results[nodes.out_begin[n]]) name = values.name[slot(results[nodes.out_begin[n]])];
    if (name.empty()) name = std::string(op.name) + "#" + std::to_string(origins.size());
    auto list = std::make_shared<std::vector<uint32_t>>(1, static_cast<uint32_t>(origins.size()));
    origins.push_back({std::move(name), std::string(op.domain) + "::" + std::string(op.name)});
    nodes.origins[n] = std::move(list);
  }
  return node_id(n);
}

tenon_graph& Model::add_subgraph(tenon_graph& parent, std::string_view name) {
  edit();
  auto& g = graphs.emplace_back();
  g.model = this;
  g.index = static_cast<uint32_t>(graphs.size() - 1);
  g.parent = parent.index;
  g.name = name;
  return g;
}

Status Model::set_inputs(tenon_node n, const tenon_value* in, uint64_t count) {
  TENON_TRY(check_node(n));
  for (uint64_t k = 0; k < count; ++k)
    if (in[k]) TENON_TRY(check_value(in[k]));
  edit();
  touch(slot(n));
  std::vector<tenon_value> copy(in, in + count);
  unlink_operands(slot(n));
  link_operands(slot(n), copy.data(), count);
  return {};
}

Status Model::set_attrs(tenon_node n, const tenon_attr* a, uint64_t count) {
  TENON_TRY(check_node(n));
  edit();
  touch(slot(n));
  auto& attrs = nodes.attrs[slot(n)];
  auto merged = AttrSet::merged(attrs.get(), a, count);
  count_attr_tensors(merged.get(), +1);
  count_attr_tensors(attrs.get(), -1);
  unhold_graphs(slot(n), attrs.get());
  attrs = std::move(merged);
  hold_graphs(slot(n));
  return {};
}

Status Model::set_op(tenon_node n, tenon_op op) {
  TENON_TRY(check_node(n));
  edit();
  touch(slot(n));
  nodes.op[slot(n)] = op;
  return {};
}

Status Model::set_type(tenon_value v, tenon_dtype t, int32_t rank, const int64_t* d) {
  TENON_TRY(check_value(v));
  TENON_TRY(check_shape(t, rank, d));
  if (values.flags[slot(v)] & TENON_VF_CONSTANT) return fail(TENON_E_INVALID, "the type of a constant cannot be changed: make a new constant");
  if (same_type(slot(v), t, rank, d)) return {};
  keep();
  ++type_epoch;
  write_type(slot(v), t, rank, d);
  if (Slot p = values.producer[slot(v)]) touch(p);
  else touch_holders(graphs[values.graph[slot(v)]]);
  touch_users(slot(v));
  return {};
}

Status Model::set_outputs(tenon_graph& g, const tenon_value* out, const tenon_str* names, uint64_t count) {
  for (uint64_t k = 0; k < count; ++k) TENON_TRY(check_value(out[k]));
  edit();
  std::vector<tenon_value> fresh(out, out + count);
  std::vector<std::string> fresh_names;
  for (uint64_t k = 0; k < count; ++k) fresh_names.emplace_back(names ? text(names[k]) : std::string_view(values.name[slot(out[k])]));
  for (tenon_value v : g.outputs)
    if (--values.extra_uses[slot(v)] == 0) values.flags[slot(v)] &= static_cast<uint8_t>(~TENON_VF_OUTPUT);
  g.outputs = std::move(fresh);
  g.output_names = std::move(fresh_names);
  touch_holders(g);
  for (tenon_value v : g.outputs) {
    ++values.extra_uses[slot(v)];
    values.flags[slot(v)] |= TENON_VF_OUTPUT;
  }
  return {};
}

Status Model::replace_uses(tenon_value from, tenon_value to) {
  TENON_TRY(check_value(from));
  TENON_TRY(check_value(to));
  if (from == to) return {};
  edit();
  Slot f = slot(from), t = slot(to);
  uint32_t first = values.first_use[f];
  for (uint32_t o = first; o; o = operands[o].next) {
    operands[o].value = t;
    operand_ids[o] = to;
    touch(operands[o].node);
  }
  if (first) {
    operands[first].prev = values.last_use[t];
    (values.last_use[t] ? operands[values.last_use[t]].next : values.first_use[t]) = first;
    values.last_use[t] = values.last_use[f];
  }
  values.n_uses[t] += values.n_uses[f];
  values.first_use[f] = values.last_use[f] = values.n_uses[f] = 0;
  if (!(values.flags[f] & TENON_VF_OUTPUT)) return {};
  auto replace_outputs = [&](tenon_graph& g) {
    bool any = false;
    for (auto& v : g.outputs) {
      if (v != from) continue;
      v = to;
      any = true;
      --values.extra_uses[f];
      ++values.extra_uses[t];
      values.flags[t] |= TENON_VF_OUTPUT;
    }
    if (any) touch_holders(g);
  };
  // Nearly always its own graph gives it out; a constant counts as a tensor attribute too.
  replace_outputs(graphs[values.graph[f]]);
  if (values.extra_uses[f])
    for (auto& g : graphs) replace_outputs(g);
  values.flags[f] &= static_cast<uint8_t>(~TENON_VF_OUTPUT);
  return {};
}

Status Model::erase_nodes(const tenon_node* n, uint64_t count) {
  // Uses among the nodes to be erased do not count, so they are unlinked first; a failure links them again.
  for (uint64_t i = 0; i < count; ++i) TENON_TRY(check_node(n[i]));
  keep();
  std::vector<std::vector<tenon_value>> kept(count);
  for (uint64_t i = 0; i < count; ++i) {
    inputs(n[i], &kept[i]);
    unlink_operands(slot(n[i]));
  }
  for (uint64_t i = 0; i < count; ++i)
    for (uint32_t k = 0; k < nodes.out_count[slot(n[i])]; ++k) {
      Slot v = slot(results[nodes.out_begin[slot(n[i])] + k]);
      if (!v || values.n_uses[v] + values.extra_uses[v] == 0) continue;
      for (uint64_t j = 0; j < count; ++j) link_operands(slot(n[j]), kept[j].data(), kept[j].size());
      return fail(Error(TENON_E_INVALID, "a node cannot be erased while its output is used")
                      .with("node", nodes.name[slot(n[i])])
                      .with("value", values.name[v]));
    }
  edit();
  for (uint64_t i = 0; i < count; ++i) {
    Slot s = slot(n[i]);
    if (!alive_node(n[i])) continue;  // named twice
    release_graphs(s);
    for (uint32_t k = 0; k < nodes.out_count[s]; ++k)
      if (Slot v = slot(results[nodes.out_begin[s] + k])) free_value(v);
    unlink_order(s);
    count_attr_tensors(nodes.attrs[s].get(), -1);
    nodes.attrs[s].reset();
    nodes.origins[s].reset();
    nodes.name[s].clear();
    ++nodes.generation[s];
    free_nodes_.push_back(s);
  }
  return {};
}

Status Model::erase_constants(const tenon_value* v, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    TENON_TRY(check_value(v[i]));
    Slot s = slot(v[i]);
    if (!(values.flags[s] & TENON_VF_CONSTANT) || values.n_uses[s] + values.extra_uses[s] != 0)
      return fail(Error(TENON_E_INVALID, "only a constant that nobody uses can be erased").with("value", values.name[s]));
  }
  edit();
  for (uint64_t i = 0; i < count; ++i)
    if (alive_value(v[i])) free_value(slot(v[i]));
  return {};
}

Status Model::add_origins(tenon_node n, const tenon_node* from, uint64_t count) {
  TENON_TRY(check_node(n));
  keep();
  std::vector<uint32_t> all;
  auto add = [&](Slot s) {
    if (nodes.origins[s]) all.insert(all.end(), nodes.origins[s]->begin(), nodes.origins[s]->end());
  };
  for (uint64_t k = 0; k < count; ++k) {
    TENON_TRY(check_node(from[k]));
    if (count == 1 && !nodes.origins[slot(n)]) {  // the common case shares the list
      nodes.origins[slot(n)] = nodes.origins[slot(from[k])];
      return {};
    }
    add(slot(from[k]));
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  auto& own = nodes.origins[slot(n)];
  if (!own) {
    own = std::make_shared<std::vector<uint32_t>>(std::move(all));
  } else if (own.use_count() == 1 && !own->empty() && !all.empty() && own->back() < all.front()) {
    auto& list = const_cast<std::vector<uint32_t>&>(*own);  // so that a node that takes over many costs no copy for each
    list.insert(list.end(), all.begin(), all.end());
  } else {
    auto both = std::make_shared<std::vector<uint32_t>>();
    std::set_union(own->begin(), own->end(), all.begin(), all.end(), std::back_inserter(*both));
    own = std::move(both);
  }
  return {};
}

Status Model::inline_graph(tenon_graph& g, tenon_graph& from, tenon_node at, const tenon_value* in, uint64_t n_in, tenon_value* outs, uint64_t n_outs) {
  TENON_TRY(check_node(at));
  if (n_in != from.inputs.size() || n_outs != from.outputs.size())
    return fail(TENON_E_INVALID, "inline_graph: as many inputs and outputs are needed as the graph has");
  for (uint64_t k = 0; k < n_in; ++k) TENON_TRY(check_value(in[k]));
  auto& where = graphs[nodes.graph[slot(at)]];
  (void)g;
  if (from.shared()) return copy_graph(from, slot(at), in, outs);
  auto old_inputs = from.inputs;
  for (uint64_t k = 0; k < n_in; ++k) TENON_TRY(replace_uses(old_inputs[k], in[k]));
  auto results_of = from.outputs;
  TENON_TRY(set_outputs(from, nullptr, nullptr, 0));
  edit();
  while (Slot n = from.first) {
    unlink_order(n);
    insert_order(where, n, slot(at));
    touch(n);
    hold_graphs(n);
    keep_origins_of(*this, n, slot(at));
    for (uint32_t k = 0; k < nodes.out_count[n]; ++k)
      if (Slot v = slot(results[nodes.out_begin[n] + k])) values.graph[v] = where.index;
  }
  for (tenon_value v : old_inputs)
    if (alive_value(v)) free_value(slot(v));
  from.inputs.clear();
  for (uint64_t k = 0; k < n_outs; ++k) outs[k] = results_of[k];
  return {};
}

}  // namespace tenon::core
