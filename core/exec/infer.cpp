// SPDX-License-Identifier: Apache-2.0
#include "infer.hpp"

#include <algorithm>
#include <cstring>

#include "infer_frame.hpp"
#include "locate.hpp"

namespace tenon::core {

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

namespace {

InferFrame& frame(const tenon_node_info* i) { return *static_cast<InferFrame*>(i->self); }

tenon_error* TENON_CALL set_out(const tenon_node_info* i, uint32_t k, tenon_dtype t, int32_t rank, const int64_t* d) noexcept {
  return protect([&]() -> Status {
    auto& f = frame(i);
    if (k >= f.out_ids.size() || rank < -1 || rank > 64) return fail(TENON_E_INTERNAL, "infer set an output that is not there, or an impossible rank");
    InferFrame::Output& r = f.result[k];
    r.set = true;
    r.type.dtype = t;
    r.type.rank = rank;
    r.type.dims.assign(d, d + std::max(rank, 0));
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
    auto it = f.impl->shape_values.find(f.in_ids[k]);
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
    if (k >= f.out_ids.size() || count > kMaxShapeValue) return {};
    f.result[k].has_elements = true;
    f.result[k].elements.assign(d, d + count);
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
}  // namespace

Inference::Impl::Impl(Session& s, Model& m) : session(s), model(m) {}
Inference::Impl::~Impl() = default;

Inference::Inference(Session& s, Model& m) : impl_(new Impl(s, m)) {}
Inference::~Inference() = default;

const std::vector<int64_t>* Inference::shape_value(tenon_value v) const {
  auto it = impl_->shape_values.find(v);
  return it == impl_->shape_values.end() ? nullptr : &it->second;
}

namespace {

Status fill(InferFrame& f) {
  Model& m = f.impl->model;
  for (tenon_value v : f.in_ids) {
    if (!v || !(m.values.flags[slot(v)] & TENON_VF_CONSTANT)) {
      f.in.push_back(v ? f.type_tensor(v) : nullptr);
      continue;
    }
    auto c = f.constant(v);
    if (!c) return fail(located(std::move(c.error()), m, f.node));
    f.in.push_back(*c);
  }
  for (tenon_value v : f.out_ids) f.out.push_back(v ? f.type_tensor(v) : nullptr);
  f.info.struct_size = sizeof f.info;
  f.info.n_in = static_cast<uint32_t>(f.in.size());
  f.info.n_out = static_cast<uint32_t>(f.out.size());
  f.info.op = m.nodes.op[slot(f.node)];
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
  return {};
}

/// What follows from a value is to be inferred: its users, and what holds them. Users in its own graph stand behind it.
void spread(Model& m, tenon_value v) {
  for (uint32_t o = m.values.first_use[slot(v)]; o; o = m.operands[o].next) {
    const Slot user = m.operands[o].node;
    m.touch(user);
    if (m.nodes.graph[user] != m.values.graph[slot(v)]) touch_around(m, user);
  }
}

Status take_results(InferFrame& f) {
  Model& m = f.impl->model;
  for (size_t k = 0; k < f.out_ids.size(); ++k) {
    const tenon_value v = f.out_ids[k];
    if (!v) continue;
    InferFrame::Output& r = f.result[k];
    const uint64_t before = m.type_epoch;
    if (r.set) TENON_TRY(m.set_type(v, r.type.dtype, r.type.rank, r.type.dims.data()));
    bool changed = m.type_epoch != before;
    auto& known = f.impl->shape_values;
    auto it = known.find(v);
    if (!r.has_elements && it != known.end()) {
      known.erase(it);
      changed = true;
    } else if (r.has_elements && (it == known.end() || it->second != r.elements)) {
      known[v] = r.elements;
      changed = true;
    }
    if (changed) spread(m, v);
  }
  return {};
}

/// An operator's infer counts on the inputs that its signature says are always there.
Status check_inputs(const InferFrame& f, const Signature* s) {
  for (size_t k = 0; s && k < s->inputs.size(); ++k) {
    const bool there = k < f.in_ids.size() && f.in_ids[k];
    if (there || s->inputs[k].optional || s->inputs[k].variadic) continue;
    return fail(located(Error(TENON_E_INVALID, "a node lacks an input that its operator cannot do without").with("expected", "input " + s->inputs[k].name), f.impl->model, f.node));
  }
  return {};
}

}  // namespace

Status Inference::node(tenon_node n) {
  Model& m = impl_->model;
  auto known = impl_->known(m.nodes.op[slot(n)]);
  if (!known) return fail(std::move(known.error()));
  const tenon_operator* def = (*known)->definition;
  if (!def || !def->infer) return infer_inside(*this, m, n);
  if (impl_->depth == impl_->frames.size()) impl_->frames.push_back(std::make_unique<InferFrame>());
  InferFrame& f = *impl_->frames[impl_->depth];
  f.begin(*this, *impl_, n);
  TENON_TRY(check_inputs(f, (*known)->signature));
  TENON_TRY(fill(f));
  auto attrs = m.nodes.attrs[slot(n)];
  f.info.n_attr = attrs ? static_cast<uint32_t>(attrs->size()) : 0;
  f.info.attr = attrs ? attrs->data() : nullptr;
  ++impl_->depth;
  Status s = take(def->infer(&(*known)->ctx, &f.info));
  --impl_->depth;
  if (!s) return fail(located(std::move(s.error()), m, n));
  TENON_TRY(take_results(f));
  m.nodes.stale[slot(n)] &= static_cast<uint8_t>(~kUninferred);
  return {};
}

bool Inference::collect() {
  Model& m = impl_->model;
  std::vector<bool> climbed(m.graphs.size());
  bool any = false;
  for (Slot n = 1; n < m.nodes.generation.size(); ++n) {
    if (!(m.nodes.generation[n] & 1) || !(m.nodes.stale[n] & kUninferred)) continue;
    any = true;
    if (climbed[m.nodes.graph[n]]) continue;
    climbed[m.nodes.graph[n]] = true;
    touch_around(m, n);
  }
  return any;
}

Status Inference::all() {
  Model& m = impl_->model;
  const bool anew = !std::exchange(m.inferred, false);
  impl_->only_changes = !anew;
  if (!anew && !collect()) return m.inferred = true, Status();
  auto order = m.topological(m.main());
  if (!order) return fail(std::move(order.error()));
  if (!anew && m.shape_values) impl_->shape_values = m.shape_values.use_count() == 1 ? std::move(*m.shape_values) : *m.shape_values;
  for (tenon_node n : *order)
    if (anew || (m.nodes.stale[slot(n)] & kUninferred)) TENON_TRY(node(n));
  for (auto& flags : m.nodes.stale) flags &= static_cast<uint8_t>(~kUninferred);
  m.shape_values = std::make_shared<ShapeValues>(std::move(impl_->shape_values));
  m.inferred = true;
  return {};
}

Status infer_graph(Session& s, Model& m, tenon_graph& g) {
  if (g.index == 0) {
    m.inferred = false;
    return Inference(s, m).all();
  }
  auto order = m.topological(g);
  if (!order) return fail(std::move(order.error()));
  Inference inference(s, m);
  for (tenon_node n : *order) TENON_TRY(inference.node(n));
  return {};
}

Status infer_changes(Session& s, Model& m) { return Inference(s, m).all(); }

}  // namespace tenon::core
