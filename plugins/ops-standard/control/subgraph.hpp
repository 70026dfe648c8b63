// SPDX-License-Identifier: Apache-2.0
// subgraph.hpp - types and tensors that operators with nested graphs hand to them and take from them.
#pragma once
#include "common/infer.hpp"
#include "common/tensor_pool.hpp"

namespace tenon::ops {

/// Element type and shape of a value, owned. rank -1: not known. Converts to a tensor without contents.
struct ValueType {
  tenon_dtype type{};
  int32_t rank = TENON_RANK_UNKNOWN;
  Dims dims;
  ValueType() = default;
  ValueType(tenon_dtype t, Dims d) : type(t), rank(static_cast<int32_t>(d.size())), dims(std::move(d)) {}
  explicit ValueType(const Tensor& t) {
    if (!t) throw invalid("an input that a nested graph needs is absent");
    type = t.type();
    rank = t.rank();
    dims = t.dims().vec();
  }
  bool operator==(const ValueType& o) const { return type == o.type && rank == o.rank && dims == o.dims; }
  tenon_tensor tensor() const {
    tenon_tensor t{};
    t.struct_size = sizeof t;
    t.rank = rank;
    t.dim = dims.data();
    t.type = type;
    return t;
  }
  void set_out(const Node& node, uint32_t k) const {
    if (rank < 0) node.set_out_unranked(k, type);
    else node.set_out(k, type, dims);
  }
};

/// What is sure of a value that has one of two types: unequal dimensions become unknown, unequal ranks too. A value that is optional on
/// one way is optional.
inline ValueType merge(const ValueType& a, const ValueType& b, const char* what) {
  if (a.type == dt::none || b.type == dt::none) {  // one is not known yet, so the shape is not either
    ValueType r;
    r.type = a.type == dt::none ? b.type : a.type;
    return r;
  }
  tenon_dtype type = a.type, other = b.type;
  const uint32_t optional = (type.flags | other.flags) & TENON_DTF_OPTIONAL;
  type.flags |= optional;
  other.flags |= optional;
  if (type != other) fail(std::string("element types of ") + what + " differ", dtype_name(a.type), dtype_name(b.type));
  ValueType r = a;
  r.type = type;
  if (a.rank != b.rank) {
    r.rank = TENON_RANK_UNKNOWN;
    r.dims.clear();
    return r;
  }
  for (size_t i = 0; i < r.dims.size(); ++i)
    if (a.dims[i] != b.dims[i]) r.dims[i] = kUnknown;
  return r;
}

/// Infers a nested graph; the result is owned, so it outlives the next call.
inline std::vector<ValueType> infer_subgraph(const Node& node, tenon_graph* g, const std::vector<ValueType>& inputs) {
  std::vector<tenon_tensor> tensors;
  for (const auto& v : inputs) tensors.push_back(v.tensor());
  std::vector<const tenon_tensor*> pointers;
  for (const auto& t : tensors) pointers.push_back(&t);
  std::vector<ValueType> r;
  for (const tenon_tensor* t : node.infer_graph(g, pointers)) r.emplace_back(Tensor(t));
  return r;
}

inline tenon_graph* required_graph(const Node& node, const char* name) {
  tenon_graph* g = node.graph(name);
  if (!g) throw invalid(std::string("attribute '") + name + "' is missing").with("expected", "a graph");
  return g;
}

/// The only element of a boolean tensor.
inline bool truth(const tenon_tensor* t, const char* what) {
  const Tensor v(t);
  if (v.type() != dt::boolean || v.count() != 1)
    fail(std::string(what) + " must be one boolean", "bool with 1 element", dtype_name(v.type()) + shape_text(v));
  return *v.data<uint8_t>() != 0;
}

/// Writes equal tensors one behind the other along a new axis of output k. `reverse`: the last one first. Without items the
/// element type and shape are those inferred, with 0 for what is not known.
inline void stack_out(const Node& node, uint32_t k, const std::vector<const tenon_tensor*>& items, int64_t axis = 0, bool reverse = false) {
  if (!node.has_out(k)) return;
  const Tensor out = node.out(k);
  Dims item;
  if (!items.empty()) item = Tensor(items[0]).dims().vec();
  else if (out.has_rank()) item.assign(std::max<size_t>(out.dims().size(), 1) - 1, 0);
  const tenon_dtype type = items.empty() ? out.type() : items[0]->type;
  if (items.empty() && (type == dt::none || !out.has_rank()))
    throw unsupported("a scan output of no iterations has a shape that nothing tells").with("hint", "infer shapes before running");
  axis = normalize_axis(axis, static_cast<int64_t>(item.size()) + 1, "axis of a scan output");
  if (items.empty())
    for (int64_t i = 0; i < static_cast<int64_t>(item.size()); ++i)
      item[static_cast<size_t>(i)] = std::max<int64_t>(0, out.dim(static_cast<int32_t>(i < axis ? i : i + 1)));
  for (const tenon_tensor* t : items)
    if (Tensor(t).dims().vec() != item || t->type != type)
      fail("a scan output changes its shape from one iteration to the next", dtype_name(type) + dims_text(item), dtype_name(t->type) + shape_text(t));
  if (type.bits < 8) throw unsupported("scan outputs of types below one byte").with("found", dtype_name(type));
  Dims whole = item;
  whole.insert(whole.begin() + axis, static_cast<int64_t>(items.size()));
  unsigned char* to = node.alloc_out<unsigned char>(k, type, whole);
  const int64_t n = static_cast<int64_t>(items.size()), outer = count_of(item.data(), static_cast<int32_t>(axis));
  const uint64_t inner = static_cast<uint64_t>(count_of(item.data() + axis, static_cast<int32_t>(item.size()) - static_cast<int32_t>(axis)));
  const uint64_t step = bytes_of(type, inner);
  for (int64_t i = 0; i < n; ++i) {
    const Tensor t(items[static_cast<size_t>(reverse ? n - 1 - i : i)]);
    for (int64_t o = 0; o < outer; ++o) {
      const uint64_t at = static_cast<uint64_t>(o * n + i);
      if (type == dt::string)
        for (uint64_t e = 0; e < inner; ++e) node.string_out(k, at * inner + e, view(t.data<tenon_str>()[static_cast<uint64_t>(o) * inner + e]));
      else if (step)
        std::memcpy(to + at * step, t.data<unsigned char>() + static_cast<uint64_t>(o) * step, step);
    }
  }
}

}  // namespace tenon::ops
