// SPDX-License-Identifier: Apache-2.0
// infer_frame.hpp - what an inference remembers between calls, and what one call of an operator's infer sees.
#pragma once
#include "infer.hpp"

#include <tenon/dtype.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "../ir/signature.hpp"
#include "../plugin/host_tables.hpp"
#include "constant_tensor.hpp"

namespace tenon::core {

inline constexpr uint64_t kMaxShapeValue = 64;  ///< longer integer tensors are data, not shapes

using Dims = std::vector<int64_t>;

/// Elements of a small integer constant.
std::optional<Dims> constant_elements(const tenon_tensor& t);

/// What is known of a value: its type, and the elements of a shape.
struct Fact {
  ValueType type;
  std::optional<Dims> elements;
  bool operator==(const Fact& o) const {
    return type.dtype == o.type.dtype && type.rank == o.type.rank && type.dims == o.type.dims && elements == o.elements;
  }
};

/// Inputs of a shared graph: its values have the types that follow from what is true of all its uses.
struct SharedTypes {
  uint64_t epoch = 0;
  std::vector<Fact> inputs;
  bool repeatable = false;  ///< the same inputs give the same outputs: no size in them is known to the data alone
};

struct InferFrame;

struct KnownOperator {
  const tenon_operator* definition = nullptr;
  const Signature* signature = nullptr;  ///< null when the operator has none
  tenon_ctx ctx;
};

struct Inference::Impl {
  Session& session;
  Model& model;
  ShapeValues shape_values;
  std::unordered_map<tenon_value, std::unique_ptr<ConstantTensor>> constants;  ///< those that need unpacking, and attributes
  std::unordered_map<uint32_t, SharedTypes> shared;  ///< by graph index
  bool only_changes = false;
  std::unordered_map<tenon_op, KnownOperator> operators;
  std::vector<std::unique_ptr<InferFrame>> frames;  ///< one for each depth of calls, used again and again
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

/// What one call of an operator's infer sees.
struct InferFrame {
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

/// Types of the graph that a node holds follow from what it is given; its outputs' types are lent until the next call.
tenon_error* TENON_CALL infer_nested(const tenon_node_info* i, tenon_graph* g, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor* const** out, uint32_t* n_out) noexcept;
/// A node in a nested graph is inferred with the node that holds the graph, and a shared graph with all that hold it.
void touch_around(Model& m, Slot n);
/// Graphs inside a node whose operator nobody defines: inferred from the types that they declare.
Status infer_inside(Inference& owner, Model& m, tenon_node n);

}  // namespace tenon::core
