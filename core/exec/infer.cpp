// SPDX-License-Identifier: Apache-2.0
#include "infer.hpp"

#include <tenon/dtype.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>
#include <unordered_map>

#include "../ir/signature.hpp"
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

/// What is known of a value: its type, and the elements of a shape.
struct Fact {
  ValueType type;
  std::optional<Dims> elements;
  bool operator==(const Fact& o) const {
    return type.dtype == o.type.dtype && type.rank == o.type.rank && type.dims == o.type.dims && elements == o.elements;
  }
};

/// What is true of both.
Fact join(const Fact& a, const Fact& b) {
  Fact r = a;
  if (a.elements != b.elements) r.elements.reset();
  if (a.type.dtype != b.type.dtype) r.type.dtype = {};
  if (a.type.rank != b.type.rank) {
    r.type.rank = TENON_RANK_UNKNOWN;
    r.type.dims.clear();
  }
  for (size_t k = 0; k < r.type.dims.size(); ++k)
    if (a.type.dims[k] != b.type.dims[k]) r.type.dims[k] = TENON_DIM_UNKNOWN;
  return r;
}

/// Inputs of a shared graph: its values have the types that follow from what is true of all its uses.
struct SharedTypes {
  uint64_t epoch = 0;
  std::vector<Fact> inputs;
  bool repeatable = false;  ///< the same inputs give the same outputs: no size in them is known to the data alone
};

}  // namespace

namespace {
struct Frame;
struct KnownOperator {
  const tenon_operator* definition = nullptr;
  const Signature* signature = nullptr;  ///< null when the operator has none
  tenon_ctx ctx;
};
}  // namespace

struct Inference::Impl {
  Session& session;
  Model& model;
  ShapeValues shape_values;
  std::unordered_map<tenon_value, std::unique_ptr<ConstantTensor>> constants;  ///< those that need unpacking, and attributes
  std::unordered_map<uint32_t, SharedTypes> shared;  ///< by graph index
  bool only_changes = false;
  std::unordered_map<tenon_op, KnownOperator> operators;
  std::vector<std::unique_ptr<Frame>> frames;  ///< one for each depth of calls, used again and again
  size_t depth = 0;

  Impl(Session& s, Model& m);
  ~Impl();
  Result<KnownOperator*> known(tenon_op op) {
    auto [it, fresh] = operators.try_emplace(op);
    if (!fresh) return &it->second;
    auto def = session.registry.find_operator(op);
    if (!def) {
      operators.erase(it);
      return fail(std::move(def.error()));
    }
    it->second.definition = *def;
    if (!*def) return &it->second;
    it->second.ctx = make_ctx(session, *def, "infer");
    if (auto s = signature_of(**def)) it->second.signature = *s;
    return &it->second;
  }
  Result<const tenon_tensor*> constant(tenon_value v) {
    auto& c = constants[v];
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
  struct Held {
    tenon_tensor tensor{};
    Dims dims;
  };
  struct Output {
    bool set = false, has_elements = false;
    ValueType type;
    Dims elements;
  };
  Inference::Impl* impl = nullptr;
  Inference* owner = nullptr;
  tenon_node node = 0;
  tenon_node_info info{};
  std::vector<tenon_value> in_ids, out_ids;
  std::deque<Held> store;  ///< the first n_held are in use
  size_t n_held = 0;
  std::vector<const tenon_tensor*> in;
  std::vector<tenon_tensor*> out;
  std::vector<Output> result;
  Dims lent;
  std::vector<const tenon_tensor*> graph_out;
  std::vector<ValueType> shared_out;

  Held& hold(tenon_dtype t, int32_t rank, const int64_t* d) {
    if (n_held == store.size()) store.emplace_back();
    Held& h = store[n_held++];
    if (rank > 0) h.dims.assign(d, d + rank);
    h.tensor = {sizeof(tenon_tensor), rank, nullptr, 0, h.dims.data(), t, nullptr};
    return h;
  }
  const tenon_tensor* type_tensor(const ValueType& t) { return &hold(t.dtype, t.rank, t.dims.data()).tensor; }
  tenon_tensor* type_tensor(tenon_value v) {
    const Model& m = impl->model;
    return &hold(m.values.dtype[slot(v)], m.values.rank[slot(v)], m.dims(slot(v))).tensor;
  }
  Result<const tenon_tensor*> constant(tenon_value v) {
    const Model& m = impl->model;
    const auto [data, bytes] = m.constant_bytes(v);
    if (m.values.dtype[slot(v)].code == TENON_DT_STRING || !data) return impl->constant(v);
    tenon_tensor* t = type_tensor(v);
    t->data = const_cast<uint8_t*>(data);
    t->bytes = bytes;
    t->buffer = m.constants[m.values.constant[slot(v)]].buffer.get();
    return t;
  }
  void begin(Inference& inference, Inference::Impl& i, tenon_node n) {
    impl = &i;
    owner = &inference;
    node = n;
    info = {};
    n_held = 0;
    in.clear();
    out.clear();
    i.model.inputs(n, &in_ids);
    i.model.outputs(n, &out_ids);
    if (result.size() < out_ids.size()) result.resize(out_ids.size());
    for (auto& r : result) r.set = r.has_elements = false;
  }
};

Frame& frame(const tenon_node_info* i) { return *static_cast<Frame*>(i->self); }

tenon_error* TENON_CALL set_out(const tenon_node_info* i, uint32_t k, tenon_dtype t, int32_t rank, const int64_t* d) noexcept {
  return protect([&]() -> Status {
    auto& f = frame(i);
    if (k >= f.out_ids.size() || rank < -1 || rank > 64) return fail(TENON_E_INTERNAL, "infer set an output that is not there, or an impossible rank");
    Frame::Output& r = f.result[k];
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
/// Facts of what is handed to a nested graph. Inputs of the node itself bring their elements along.
std::vector<Fact> facts_of(Frame& f, const tenon_tensor* const* in, uint32_t n_in) {
  std::vector<Fact> r(n_in);
  for (uint32_t k = 0; k < n_in; ++k) {
    if (!in[k]) continue;
    r[k].type = {in[k]->type, in[k]->rank, {}};
    if (in[k]->rank > 0) r[k].type.dims.assign(in[k]->dim, in[k]->dim + in[k]->rank);
    if (in[k]->data) {
      r[k].elements = constant_elements(*in[k]);
      continue;
    }
    const auto own = std::find(f.in.begin(), f.in.end(), in[k]);
    if (own == f.in.end()) continue;
    const auto it = f.impl->shape_values.find(f.in_ids[static_cast<size_t>(own - f.in.begin())]);
    if (it != f.impl->shape_values.end()) r[k].elements = it->second;
  }
  return r;
}

/// Facts of the inputs as the last inference left them: true of the calls that are not looked at again.
std::vector<Fact> facts_inside(const Frame& f, const tenon_graph& g) {
  std::vector<Fact> r;
  for (tenon_value v : g.inputs) {
    const auto it = f.impl->shape_values.find(v);
    r.push_back({f.impl->model.type(v), it == f.impl->shape_values.end() ? std::nullopt : std::optional<Dims>(it->second)});
  }
  return r;
}

Status infer_once(Frame& f, tenon_graph& g, const std::vector<Fact>& facts) {
  Model& m = f.impl->model;
  for (size_t k = 0; k < facts.size(); ++k) {
    const ValueType& t = facts[k].type;
    TENON_TRY(m.set_type(g.inputs[k], t.dtype, t.rank, t.dims.data()));
    if (facts[k].elements) f.impl->shape_values[g.inputs[k]] = *facts[k].elements;
    else f.impl->shape_values.erase(g.inputs[k]);
  }
  auto order = m.topological(g);
  if (!order) return fail(std::move(order.error()));
  for (tenon_node n : *order) TENON_TRY(f.owner->node(n));
  return {};
}

/// Do the outputs have only such names in their sizes as the inputs have?
bool repeatable(const Model& m, const tenon_graph& g) {
  std::vector<std::string> known;
  std::vector<int64_t> sizes;
  auto add_names = [&](int64_t d) {
    for (auto& name : m.symbols.names_of(d)) known.push_back(std::move(name));
  };
  auto each = [&](const std::vector<tenon_value>& values, auto&& f) {
    for (tenon_value v : values)
      for (int64_t d : m.type(v).dims)
        if (d < TENON_DIM_UNKNOWN && std::find(sizes.begin(), sizes.end(), d) == sizes.end()) f(d);
  };
  each(g.inputs, [&](int64_t d) {
    sizes.push_back(d);
    add_names(d);
  });
  bool all = true;
  each(g.outputs, [&](int64_t d) {
    for (const auto& name : m.symbols.names_of(d)) all &= std::find(known.begin(), known.end(), name) != known.end();
  });
  return all;
}

/// Is there a node that holds the graph and will not be looked at, since nothing has changed for it?
bool some_stay(const Model& m, const tenon_graph& g) {
  return std::any_of(g.holders.begin(), g.holders.end(), [&](tenon_node n) { return !(m.nodes.stale[slot(n)] & kUninferred); });
}

/// Leaves the outputs with the types of this use in f.shared_out, and the values inside with those of all uses so far.
Status infer_shared(Frame& f, tenon_graph& g, const tenon_tensor* const* in, uint32_t n_in) {
  Model& m = f.impl->model;
  const std::vector<Fact> facts = facts_of(f, in, n_in);
  SharedTypes& known = f.impl->shared[g.index];
  const bool fresh = known.inputs.size() != n_in || known.epoch != m.epoch;
  const bool same = !fresh && known.repeatable && known.inputs == facts;
  const std::vector<Fact> facts_before = facts_inside(f, g);
  if (!same) TENON_TRY(infer_once(f, g, facts));
  f.shared_out.clear();
  for (tenon_value v : g.outputs) f.shared_out.push_back(m.type(v));
  std::vector<Fact> all = facts;
  if (fresh) known.inputs = f.impl->only_changes && some_stay(m, g) ? facts_before : facts;
  for (size_t k = 0; k < all.size(); ++k) all[k] = join(all[k], known.inputs[k]);
  if (!(all == facts)) TENON_TRY(infer_once(f, g, all));
  known = {m.epoch, std::move(all), repeatable(m, g)};
  return {};
}

tenon_error* TENON_CALL infer_nested(const tenon_node_info* i, tenon_graph* g, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor* const** out, uint32_t* n_out) noexcept {
  return protect([&]() -> Status {
    auto& f = frame(i);
    if (n_in != g->inputs.size())
      return fail(Error(TENON_E_INVALID, "a nested graph is given another number of inputs than it has").with("expected", std::to_string(g->inputs.size())).with("found", std::to_string(n_in)));
    TENON_TRY(g->shared() ? infer_shared(f, *g, in, n_in) : infer_once(f, *g, facts_of(f, in, n_in)));
    f.graph_out.clear();
    for (size_t k = 0; k < g->outputs.size(); ++k)
      f.graph_out.push_back(g->shared() ? f.type_tensor(f.shared_out[k]) : f.type_tensor(g->outputs[k]));
    *out = f.graph_out.data();
    *n_out = static_cast<uint32_t>(f.graph_out.size());
    return {};
  });
}

/// A node in a nested graph is inferred with the node that holds the graph, and a shared graph with all that hold it.
void touch_around(Model& m, Slot n) {
  const tenon_graph& g = m.graphs[m.nodes.graph[n]];
  for (tenon_node holder : g.holders) {
    m.touch(slot(holder));
    touch_around(m, slot(holder));
  }
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

Inference::Impl::Impl(Session& s, Model& m) : session(s), model(m) {}
Inference::Impl::~Impl() = default;

Inference::Inference(Session& s, Model& m) : impl_(new Impl(s, m)) {}
Inference::~Inference() = default;

const std::vector<int64_t>* Inference::shape_value(tenon_value v) const {
  auto it = impl_->shape_values.find(v);
  return it == impl_->shape_values.end() ? nullptr : &it->second;
}

namespace {

Status fill(Frame& f) {
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

Status take_results(Frame& f) {
  Model& m = f.impl->model;
  for (size_t k = 0; k < f.out_ids.size(); ++k) {
    const tenon_value v = f.out_ids[k];
    if (!v) continue;
    Frame::Output& r = f.result[k];
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
Status check_inputs(const Frame& f, const Signature* s) {
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
  if (impl_->depth == impl_->frames.size()) impl_->frames.push_back(std::make_unique<Frame>());
  Frame& f = *impl_->frames[impl_->depth];
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
