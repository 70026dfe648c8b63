// SPDX-License-Identifier: Apache-2.0
#include "infer.hpp"

#include <tenon/dtype.hpp>

#include <cstring>
#include <deque>
#include <optional>
#include <unordered_map>

#include "../plugin/host_tables.hpp"
#include "constant_tensor.hpp"
#include "locate.hpp"

namespace tenon::core {
namespace {

constexpr uint64_t kMaxShapeValue = 64;  // longer integer tensors are data, not shapes

using Dims = std::vector<int64_t>;

/// Elements of a small integer constant.
std::optional<Dims> constant_elements(const tenon_tensor& t) {
  bool integer = (t.type.code == TENON_DT_INT || t.type.code == TENON_DT_UINT) && t.type.bits >= 8;
  if (!(integer || t.type.code == TENON_DT_BOOL) || !is_tensor(t.type)) return std::nullopt;
  int64_t n = count_of(t.dim, t.rank);
  if (n < 0 || static_cast<uint64_t>(n) > kMaxShapeValue) return std::nullopt;
  Dims d(static_cast<size_t>(n));
  size_t width = t.type.bits / 8u;
  for (size_t i = 0; i < d.size(); ++i) {
    uint64_t raw = 0;
    std::memcpy(&raw, static_cast<const char*>(t.data) + i * width, width);
    unsigned shift = 64 - t.type.bits;
    d[i] = t.type.code == TENON_DT_INT ? static_cast<int64_t>(raw << shift) >> shift : static_cast<int64_t>(raw);
    if (d[i] < 0) d[i] = TENON_DIM_UNKNOWN;  // no dimension, and the symbols' range
  }
  return d;
}

}  // namespace

struct Inference::Impl {
  Session& session;
  Model& model;
  std::unordered_map<Slot, Dims> shape_values;
  std::unordered_map<Slot, std::unique_ptr<ConstantTensor>> constants;

  Result<const tenon_tensor*> constant(tenon_value v) {
    auto& c = constants[slot(v)];
    if (!c) {
      auto made = ConstantTensor::make(model, v);
      if (!made) return fail(std::move(made.error()));
      c = std::move(*made);
    }
    return c->tensor();
  }
};

namespace {

/// What one call of an operator's infer sees.
struct Frame {
  Inference::Impl* impl = nullptr;
  Inference* owner = nullptr;
  tenon_node node = 0;
  tenon_node_info info{};
  std::vector<tenon_value> in_ids, out_ids;
  std::deque<tenon_tensor> store;
  std::deque<Dims> dims;
  std::vector<const tenon_tensor*> in;
  std::vector<tenon_tensor*> out;
  std::vector<std::optional<ValueType>> result;
  std::vector<std::optional<Dims>> result_values;
  Dims lent;
  std::vector<const tenon_tensor*> graph_out;

  const tenon_tensor* type_tensor(tenon_value v) {
    ValueType t = impl->model.type(v);
    dims.push_back(std::move(t.dims));
    store.push_back({sizeof(tenon_tensor), t.rank, nullptr, 0, dims.back().data(), t.dtype, nullptr});
    return &store.back();
  }
};

Frame& frame(const tenon_node_info* i) { return *static_cast<Frame*>(i->self); }

tenon_error* TENON_CALL set_out(const tenon_node_info* i, uint32_t k, tenon_dtype t, int32_t rank, const int64_t* d) noexcept {
  return protect([&]() -> Status {
    auto& f = frame(i);
    if (k >= f.result.size() || rank < -1 || rank > 64) return fail(TENON_E_INTERNAL, "infer set an output that is not there, or an impossible rank");
    ValueType r{t, rank, {}};
    if (rank > 0) r.dims.assign(d, d + rank);
    f.result[k] = std::move(r);
    return {};
  });
}
int32_t TENON_CALL shape_value(const tenon_node_info* i, uint32_t k, const int64_t** d, uint64_t* count) noexcept {
  auto& f = frame(i);
  if (k >= f.in.size() || !f.in[k]) return 0;
  if (f.in[k]->data) {
    auto e = constant_elements(*f.in[k]);
    if (!e) return 0;
    f.lent = std::move(*e);
  } else {
    auto it = f.impl->shape_values.find(slot(f.in_ids[k]));
    if (it == f.impl->shape_values.end()) return 0;
    f.lent = it->second;
  }
  *d = f.lent.data();
  *count = f.lent.size();
  return 1;
}
tenon_error* TENON_CALL set_out_shape_value(const tenon_node_info* i, uint32_t k, const int64_t* d, uint64_t count) noexcept {
  return protect([&]() -> Status {
    auto& f = frame(i);
    if (k < f.result_values.size() && count <= kMaxShapeValue) f.result_values[k] = Dims(d, d + count);
    return {};
  });
}
int64_t TENON_CALL dim_op(const tenon_node_info* i, int32_t op, int64_t a, int64_t b) noexcept { return frame(i).impl->model.symbols.apply(op, a, b); }
int64_t TENON_CALL fresh_symbol(const tenon_node_info* i) noexcept { return frame(i).impl->model.symbols.fresh(); }
const tenon_tensor* TENON_CALL attr_tensor(const tenon_node_info* i, tenon_value v) noexcept {
  auto& f = frame(i);
  if (!f.impl->model.alive_value(v)) return nullptr;
  auto c = f.impl->constant(v);
  return c ? *c : nullptr;
}
tenon_error* TENON_CALL infer_nested(const tenon_node_info* i, tenon_graph* g, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor* const** out, uint32_t* n_out) noexcept {
  return protect([&]() -> Status {
    auto& f = frame(i);
    Model& m = f.impl->model;
    if (n_in != g->inputs.size())
      return fail(Error(TENON_E_INVALID, "a nested graph is given another number of inputs than it has").with("expected", std::to_string(g->inputs.size())).with("found", std::to_string(n_in)));
    for (uint32_t k = 0; k < n_in; ++k)
      if (in[k]) TENON_TRY(m.set_type(g->inputs[k], in[k]->type, in[k]->rank, in[k]->dim));
    auto order = m.topological(*g);
    if (!order) return fail(std::move(order.error()));
    for (tenon_node n : *order) TENON_TRY(f.owner->node(n));
    f.graph_out.clear();
    for (tenon_value v : g->outputs) f.graph_out.push_back(f.type_tensor(v));
    *out = f.graph_out.data();
    *n_out = static_cast<uint32_t>(f.graph_out.size());
    return {};
  });
}

/// Graphs inside a node whose operator nobody defines: inferred from the types that they declare.
Status infer_inside(Inference& owner, Model& m, tenon_node n) {
  const AttrSet* a = m.attrs(n);
  if (!a || !a->has_graphs()) return {};
  auto keep = m.nodes.attrs[slot(n)];
  for (uint64_t k = 0; k < keep->size(); ++k) {
    if (keep->data()[k].type != TENON_AT_GRAPH) continue;
    auto order = m.topological(*keep->data()[k].v.graph);
    if (!order) return fail(std::move(order.error()));
    for (tenon_node inner : *order) TENON_TRY(owner.node(inner));
  }
  return {};
}

}  // namespace

Inference::Inference(Session& s, Model& m) : impl_(new Impl{s, m, {}, {}}) {}
Inference::~Inference() = default;

const std::vector<int64_t>* Inference::shape_value(tenon_value v) const {
  auto it = impl_->shape_values.find(slot(v));
  return it == impl_->shape_values.end() ? nullptr : &it->second;
}

Status Inference::node(tenon_node n) {
  Model& m = impl_->model;
  auto def = impl_->session.registry.find_operator(m.nodes.op[slot(n)]);
  if (!def) return fail(std::move(def.error()));
  if (!*def || !(*def)->infer) return infer_inside(*this, m, n);

  Frame f;
  f.impl = impl_.get();
  f.owner = this;
  f.node = n;
  m.inputs(n, &f.in_ids);
  m.outputs(n, &f.out_ids);
  for (tenon_value v : f.in_ids) {
    if (!v) {
      f.in.push_back(nullptr);
    } else if (m.values.flags[slot(v)] & TENON_VF_CONSTANT) {
      auto c = impl_->constant(v);
      if (!c) return fail(located(std::move(c.error()), m, n));
      f.in.push_back(*c);
    } else {
      f.in.push_back(f.type_tensor(v));
    }
  }
  for (tenon_value v : f.out_ids) f.out.push_back(v ? const_cast<tenon_tensor*>(f.type_tensor(v)) : nullptr);
  f.result.resize(f.out.size());
  f.result_values.resize(f.out.size());
  auto attrs = m.nodes.attrs[slot(n)];
  f.info.struct_size = sizeof f.info;
  f.info.n_in = static_cast<uint32_t>(f.in.size());
  f.info.n_out = static_cast<uint32_t>(f.out.size());
  f.info.n_attr = attrs ? static_cast<uint32_t>(attrs->size()) : 0;
  f.info.op = m.nodes.op[slot(n)];
  f.info.attr = attrs ? attrs->data() : nullptr;
  f.info.in = f.in.data();
  f.info.out = f.out.data();
  f.info.self = &f;
  f.info.set_out = set_out;
  f.info.shape_value = core::shape_value;
  f.info.set_out_shape_value = set_out_shape_value;
  f.info.dim_op = dim_op;
  f.info.fresh_symbol = fresh_symbol;
  f.info.attr_tensor = attr_tensor;
  f.info.infer_graph = infer_nested;
  tenon_ctx c = make_ctx(impl_->session, *def, "infer");
  if (auto s = take((*def)->infer(&c, &f.info)); !s) return fail(located(std::move(s.error()), m, n));
  for (size_t k = 0; k < f.out_ids.size(); ++k) {
    if (!f.out_ids[k]) continue;
    if (f.result[k]) TENON_TRY(m.set_type(f.out_ids[k], f.result[k]->dtype, f.result[k]->rank, f.result[k]->dims.data()));
    if (f.result_values[k]) impl_->shape_values[slot(f.out_ids[k])] = std::move(*f.result_values[k]);
    else impl_->shape_values.erase(slot(f.out_ids[k]));
  }
  return {};
}

Status infer_graph(Session& s, Model& m, tenon_graph& g) {
  auto order = m.topological(g);
  if (!order) return fail(std::move(order.error()));
  Inference inference(s, m);
  for (tenon_node n : *order) TENON_TRY(inference.node(n));
  return {};
}

}  // namespace tenon::core
