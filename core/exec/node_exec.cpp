// SPDX-License-Identifier: Apache-2.0
#include "node_exec.hpp"

#include <tenon/dtype.hpp>

#include <algorithm>
#include <cstring>

#include "../data/shape.hpp"
#include "../plugin/host_tables.hpp"
#include "locate.hpp"

namespace tenon::core {
namespace {

constexpr size_t kMaxShapeValue = 64;
// While an operator's infer runs on real inputs: sizes that only the kernel knows.
constexpr int64_t kFreshSymbol = -2;

tenon_exec& self(const tenon_node_info* i) { return *static_cast<tenon_exec*>(i->self); }

Status check_output(const tenon_exec& e, uint32_t k) {
  if (k < e.out.size() && e.out[k]) return {};
  return fail(TENON_E_INTERNAL, "a kernel sets output " + std::to_string(k) + ", which is not there");
}

tenon_error* TENON_CALL set_out(const tenon_node_info* i, uint32_t k, tenon_dtype t, int32_t rank, const int64_t* d) noexcept {
  return protect([&]() -> Status {
    auto& e = self(i);
    TENON_TRY(check_output(e, k));
    if (rank < -1 || rank > 64) return fail(TENON_E_INTERNAL, "infer gives an impossible rank");
    e.out_dims[k].assign(d, d + std::max(rank, 0));
    e.out_store[k].type = t;
    e.out_store[k].rank = rank;
    e.out_store[k].dim = e.out_dims[k].data();
    e.inferred[k] = 1;
    return {};
  });
}
int32_t TENON_CALL shape_value(const tenon_node_info* i, uint32_t k, const int64_t** d, uint64_t* count) noexcept {
  auto& e = self(i);
  const tenon_tensor* t = k < i->n_in ? i->in[k] : nullptr;
  if (!t || !t->data || !is_tensor(t->type) || !(is_int(t->type) || t->type.code == TENON_DT_BOOL) || t->type.bits < 8) return 0;
  int64_t n = count_of(t->dim, t->rank);
  if (n < 0 || n > static_cast<int64_t>(kMaxShapeValue)) return 0;
  e.lent.resize(static_cast<size_t>(n));
  size_t width = t->type.bits / 8u;
  for (size_t j = 0; j < e.lent.size(); ++j) {
    uint64_t raw = 0;
    std::memcpy(&raw, static_cast<const char*>(t->data) + j * width, width);
    unsigned shift = 64 - t->type.bits;
    e.lent[j] = t->type.code == TENON_DT_INT ? static_cast<int64_t>(raw << shift) >> shift : static_cast<int64_t>(raw);
    if (e.lent[j] < 0) e.lent[j] = TENON_DIM_UNKNOWN;
  }
  *d = e.lent.data();
  *count = e.lent.size();
  return 1;
}
tenon_error* TENON_CALL set_out_shape_value(const tenon_node_info*, uint32_t, const int64_t*, uint64_t) noexcept { return nullptr; }
int64_t TENON_CALL dim_op(const tenon_node_info*, int32_t op, int64_t a, int64_t b) noexcept {
  if (a < 0 || b < 0) return TENON_DIM_UNKNOWN;
  int64_t r = 0;
  switch (op) {
    case TENON_DIM_ADD: return __builtin_add_overflow(a, b, &r) ? TENON_DIM_UNKNOWN : r;
    case TENON_DIM_SUB: return a - b < 0 ? TENON_DIM_UNKNOWN : a - b;
    case TENON_DIM_MUL: return __builtin_mul_overflow(a, b, &r) ? TENON_DIM_UNKNOWN : r;
    case TENON_DIM_FLOORDIV: return b ? a / b : TENON_DIM_UNKNOWN;
    case TENON_DIM_CEILDIV: return b ? (a + b - 1) / b : TENON_DIM_UNKNOWN;
    case TENON_DIM_MIN: return std::min(a, b);
    case TENON_DIM_MAX: return std::max(a, b);
    default: return TENON_DIM_UNKNOWN;
  }
}
int64_t TENON_CALL fresh_symbol(const tenon_node_info*) noexcept { return kFreshSymbol; }
const tenon_tensor* TENON_CALL attr_tensor(const tenon_node_info* i, tenon_value v) noexcept {
  auto& e = self(i);
  if (!e.model->alive_value(v)) return nullptr;
  for (auto& [id, c] : e.attr_tensors)
    if (id == v) return c->tensor();
  auto made = ConstantTensor::make(*e.model, v);
  if (!made) return nullptr;
  e.attr_tensors.emplace_back(v, std::move(*made));
  return e.attr_tensors.back().second->tensor();
}
tenon_error* TENON_CALL no_nested_infer(const tenon_node_info*, tenon_graph*, const tenon_tensor* const*, uint32_t, const tenon_tensor* const**, uint32_t*) noexcept {
  return give(Error(TENON_E_UNSUPPORTED, "nested graphs are not inferred while running"));
}

tenon_error* TENON_CALL alloc_out(const tenon_node_info* i, uint32_t k, tenon_dtype t, int32_t rank, const int64_t* d, void** data) noexcept {
  return protect([&]() -> Status {
    auto& e = self(i);
    TENON_TRY(check_output(e, k));
    TENON_TRY(e.owned[k].allocate(t, rank, d));
    e.alias[k] = &e.owned[k].t;
    *data = e.owned[k].t.data;
    return {};
  });
}
tenon_error* TENON_CALL alias_out(const tenon_node_info* i, uint32_t k, const tenon_tensor* t) noexcept {
  return protect([&]() -> Status {
    auto& e = self(i);
    TENON_TRY(check_output(e, k));
    // What the caller handed in lives on; results of nested graphs die with this run.
    bool input = std::find(i->in, i->in + i->n_in, t) != i->in + i->n_in;
    if (input) {
      e.alias[k] = t;
      return {};
    }
    auto& o = e.owned[k];
    if (is_tensor(t->type) && t->type.code != TENON_DT_STRING) {
      TENON_TRY(o.allocate(t->type, t->rank, t->dim));
      if (o.t.bytes) std::memcpy(o.t.data, t->data, o.t.bytes);
    } else {
      auto copy = Tensor::copy(*t);
      if (!copy) return fail(std::move(copy.error()));
      o.sequence = std::move(*copy);
      o.view = std::make_unique<TensorView>(o.sequence);
      o.t = o.view->t;
    }
    e.alias[k] = &o.t;
    return {};
  });
}
tenon_error* TENON_CALL string_out(const tenon_node_info* i, uint32_t k, uint64_t index, tenon_str s) noexcept {
  return protect([&]() -> Status {
    auto& e = self(i);
    TENON_TRY(check_output(e, k));
    auto& o = e.owned[k];
    if (index >= o.strings.size()) return fail(TENON_E_INTERNAL, "a kernel sets a string beyond the end of its output");
    o.strings[index] = view(s);
    o.strs[index] = str(o.strings[index]);
    return {};
  });
}
tenon_error* TENON_CALL sequence_out(const tenon_node_info* i, uint32_t k, tenon_dtype t, const tenon_tensor* const* items, uint64_t count) noexcept {
  return protect([&]() -> Status {
    auto& e = self(i);
    TENON_TRY(check_output(e, k));
    Tensor seq;
    seq.type = t;
    seq.type.flags |= TENON_DTF_SEQUENCE;
    seq.dims = {static_cast<int64_t>(count)};
    seq.items = std::make_shared<std::vector<Tensor>>();
    for (uint64_t j = 0; j < count; ++j) {
      auto copy = Tensor::copy(*items[j]);
      if (!copy) return fail(std::move(copy.error()));
      seq.items->push_back(std::move(*copy));
    }
    auto& o = e.owned[k];
    o.sequence = std::move(seq);
    o.view = std::make_unique<TensorView>(o.sequence);
    o.t = o.view->t;
    e.alias[k] = &o.t;
    return {};
  });
}
tenon_error* TENON_CALL call_graph(const tenon_node_info* i, tenon_graph* g, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor* const** out, uint32_t* n_out) noexcept {
  return protect([&]() -> Status {
    auto& e = self(i);
    if (!TENON_HAS(&e.callbacks, call_graph)) return fail(TENON_E_UNSUPPORTED, "this executor runs no nested graphs");
    const tenon_tensor* const* results = nullptr;
    uint32_t count = 0;
    TENON_TRY(take(e.callbacks.call_graph(e.callbacks.user, &e.ctx, g, in, n_in, &results, &count)));
    auto& list = e.kept_lists.emplace_back();
    for (uint32_t k = 0; k < count; ++k) {
      auto copy = Tensor::copy(*results[k]);
      if (!copy) return fail(std::move(copy.error()));
      e.kept.push_back(std::move(*copy));
      e.kept_views.emplace_back(e.kept.back());
      list.push_back(&e.kept_views.back().t);
    }
    *out = list.data();
    *n_out = count;
    return {};
  });
}
tenon_error* TENON_CALL parallel_for(const tenon_node_info* i, int64_t n, int64_t grain, void(TENON_CALL* body)(void*, int64_t, int64_t) noexcept, void* user) noexcept {
  auto& e = self(i);
  if (TENON_HAS(&e.callbacks, parallel_for)) e.callbacks.parallel_for(e.callbacks.user, n, grain, body, user);
  else if (n > 0) body(user, 0, n);
  return nullptr;
}
tenon_error* TENON_CALL variable(const tenon_node_info* i, tenon_str name, const tenon_tensor** t) noexcept {
  return protect([&]() -> Status {
    auto& e = self(i);
    *t = e.variables ? e.variables->get(view(name)) : nullptr;
    return {};
  });
}
tenon_error* TENON_CALL set_variable(const tenon_node_info* i, tenon_str name, const tenon_tensor* t) noexcept {
  return protect([&]() -> Status {
    auto& e = self(i);
    if (!e.variables) return fail(TENON_E_UNSUPPORTED, "a variable can only be set while a program runs");
    return e.variables->set(view(name), *t);
  });
}

}  // namespace

Status OwnedOutput::allocate(tenon_dtype type, int32_t rank, const int64_t* d) {
  if (rank < 0) return fail(TENON_E_INTERNAL, "a kernel allocates an output without a shape");
  dims.assign(d, d + rank);
  auto n = element_count(dims);
  if (!n) return fail(std::move(n.error()));
  uint64_t bytes = bytes_of(type, static_cast<uint64_t>(*n));
  if (type.code == TENON_DT_STRING) {
    strings.assign(static_cast<size_t>(*n), {});
    strs.assign(strings.size() + 1, tenon_str{"", 0});
    t = {sizeof t, rank, strs.data(), strings.size() * sizeof(tenon_str), dims.data(), type, nullptr};
    return {};
  }
  bool fits = buffer && buffer.size() >= bytes && buffer.get()->refs.load(std::memory_order_acquire) == 1;
  if (!fits) {
    auto b = alloc_buffer(std::max<uint64_t>(bytes, 1));
    if (!b) return fail(std::move(b.error()));
    buffer = std::move(*b);
  }
  t = {sizeof t, rank, buffer.writable(), bytes, dims.data(), type, buffer.get()};
  return {};
}

Result<std::unique_ptr<tenon_exec>> make_exec(Session& s, const Model& m, tenon_node n, const tenon_kernel* kernel, const tenon_exec_callbacks* callbacks) {
  auto def = s.registry.find_operator(m.nodes.op[slot(n)]);
  if (!def) return fail(std::move(def.error()));
  if (!kernel && *def) kernel = (*def)->reference;
  if (!kernel || !kernel->run) {
    OpName op = op_name(m.nodes.op[slot(n)]);
    return fail(located(Error(TENON_E_UNSUPPORTED, "operator " + std::string(op.domain) + "::" + std::string(op.name) + " has no kernel"), m, n));
  }
  auto e = std::make_unique<tenon_exec>();
  e->session = &s;
  e->model = &m;
  e->node = n;
  e->definition = *def;
  e->kernel = kernel;
  if (callbacks) std::memcpy(static_cast<void*>(&e->callbacks), callbacks, std::min<size_t>(callbacks->struct_size, sizeof e->callbacks));
  e->variables = m.variables;
  e->attrs = m.nodes.attrs[slot(n)];
  e->ctx = make_ctx(s, kernel, "execute");
  std::vector<tenon_value> ids;
  m.outputs(n, &ids);
  e->out_store.resize(ids.size());
  e->out_dims.resize(ids.size());
  e->owned.resize(ids.size());
  e->alias.resize(ids.size());
  e->inferred.resize(ids.size());
  for (size_t k = 0; k < ids.size(); ++k) {
    e->out.push_back(ids[k] ? &e->out_store[k] : nullptr);
    e->declared.push_back(ids[k] ? m.type(ids[k]) : ValueType{});
  }
  tenon_node_info& i = e->info;
  i.struct_size = sizeof i;
  i.n_out = static_cast<uint32_t>(ids.size());
  i.n_attr = e->attrs ? static_cast<uint32_t>(e->attrs->size()) : 0;
  i.op = m.nodes.op[slot(n)];
  i.attr = e->attrs ? e->attrs->data() : nullptr;
  i.out = e->out.data();
  i.self = e.get();
  i.set_out = set_out;
  i.shape_value = core::shape_value;
  i.set_out_shape_value = set_out_shape_value;
  i.dim_op = dim_op;
  i.fresh_symbol = fresh_symbol;
  i.attr_tensor = attr_tensor;
  i.infer_graph = no_nested_infer;
  i.alloc_out = alloc_out;
  i.alias_out = alias_out;
  i.string_out = string_out;
  i.sequence_out = sequence_out;
  i.call_graph = core::call_graph;
  i.parallel_for = core::parallel_for;
  i.variable = variable;
  i.set_variable = set_variable;
  return e;
}

}  // namespace tenon::core

using namespace tenon::core;

tenon_exec::~tenon_exec() {
  if (prepared && kernel->release) kernel->release(state);
}

// Shapes of outputs that the caller brings no memory for. Nested graphs decide their own.
Status tenon_exec::infer_outputs() {
  bool missing = false;
  for (size_t k = 0; k < out.size(); ++k) missing |= out[k] && !out[k]->data;
  if (!missing || !definition || !definition->infer || (attrs && attrs->has_graphs())) return {};
  std::vector<tenon_tensor> given = out_store;
  std::fill(inferred.begin(), inferred.end(), 0);
  info.running = 0;
  tenon_ctx c = make_ctx(*session, definition, "infer");
  TENON_TRY(take(definition->infer(&c, &info)));
  for (size_t k = 0; k < out.size(); ++k) {
    if (!out[k]) continue;
    if (given[k].data) {
      out_store[k] = given[k];
      continue;
    }
    bool known = inferred[k] && out_store[k].rank >= 0 && tenon::is_tensor(out_store[k].type);
    for (int64_t d : out_dims[k]) known &= d >= 0;
    if (!known) {
      out_store[k].data = nullptr;
      continue;
    }
    TENON_TRY(owned[k].allocate(out_store[k].type, out_store[k].rank, out_dims[k].data()));
    out_store[k] = owned[k].t;
    alias[k] = &owned[k].t;
  }
  return {};
}

Status tenon_exec::prepare() {
  if (!kernel->prepare) return {};
  std::vector<int64_t> shapes;
  for (uint32_t k = 0; k < info.n_in; ++k) {
    shapes.push_back(info.in[k] ? info.in[k]->rank : -1);
    if (info.in[k]) shapes.insert(shapes.end(), info.in[k]->dim, info.in[k]->dim + std::max(info.in[k]->rank, 0));
  }
  if (prepared && shapes == prepared_for) return {};
  if (prepared && kernel->release) kernel->release(state);
  prepared = false;
  state = nullptr;
  scratch_bytes = 0;
  TENON_TRY(take(kernel->prepare(&ctx, &info, &state, &scratch_bytes)));
  prepared = true;
  prepared_for = std::move(shapes);
  if (scratch.size() < scratch_bytes) {
    auto b = alloc_buffer(scratch_bytes);
    if (!b) return fail(std::move(b.error()));
    scratch = std::move(*b);
  }
  return {};
}

Status tenon_exec::run(const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor** results, uint32_t n_out) {
  if (n_out != out.size()) return fail(TENON_E_INTERNAL, "a node is run with another number of outputs than it has");
  info.in = in;
  info.n_in = n_in;
  for (size_t k = 0; k < out.size(); ++k) {
    alias[k] = nullptr;
    if (!out[k]) continue;
    out_store[k] = results[k] ? *results[k] : tenon_tensor{sizeof(tenon_tensor), TENON_RANK_UNKNOWN, nullptr, 0, nullptr, {}, nullptr};
    if (out_store[k].data) alias[k] = results[k];
    else if (attrs && attrs->has_graphs()) {  // a loop without a turn has no other source for its outputs' type
      out_store[k].type = declared[k].dtype;
      out_store[k].rank = declared[k].rank;
      out_store[k].dim = declared[k].dims.data();
    }
  }
  Status s = infer_outputs();
  if (s) {
    info.running = 1;
    s = prepare();
  }
  if (s) s = take(kernel->run(&ctx, &info, state, scratch.writable()));
  kept_lists.clear();
  kept_views.clear();
  kept.clear();
  if (!s) return fail(located(std::move(s.error()), *model, node));
  for (size_t k = 0; k < out.size(); ++k) {
    if (!out[k]) continue;
    if (!alias[k]) return fail(located(Error(TENON_E_INTERNAL, "the kernel left output " + std::to_string(k) + " without contents"), *model, node));
    results[k] = alias[k];
  }
  return {};
}
