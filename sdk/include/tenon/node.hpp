// SPDX-License-Identifier: Apache-2.0
// node.hpp - one node as infer, verify, match, prepare and run see it.
#pragma once
#include <optional>

#include "attrs.hpp"
#include "dtype.hpp"

TENON_NAMESPACE_BEGIN

/// A borrowed view of a tenon_tensor. Shape may hold symbols (<= -2) or TENON_DIM_UNKNOWN outside run().
class Tensor {
  const tenon_tensor* t_;

 public:
  Tensor(const tenon_tensor* t) : t_(t) {}
  explicit operator bool() const { return t_ != nullptr; }
  const tenon_tensor* raw() const { return t_; }
  tenon_dtype type() const { return t_->type; }
  int32_t rank() const { return t_->rank; }
  bool has_rank() const { return t_->rank >= 0; }
  bool has_data() const { return t_->data != nullptr; }
  Span<int64_t> dims() const { return {t_->dim, t_->rank > 0 ? static_cast<uint64_t>(t_->rank) : 0}; }
  int64_t dim(int32_t i) const { return t_->dim[i < 0 ? i + t_->rank : i]; }
  /// Number of elements; only for a known, static shape.
  int64_t count() const { return count_of(t_->dim, t_->rank); }
  uint64_t bytes() const { return t_->bytes; }
  bool is_static() const {
    if (t_->rank < 0) return false;
    for (auto d : dims())
      if (d < 0) return false;
    return true;
  }
  template <class T> const T* data() const { return static_cast<const T*>(t_->data); }
  template <class T> T* mutable_data() const { return static_cast<T*>(t_->data); }
  /// Elements of an i32 or i64 (or any integer or boolean) tensor with data, as int64.
  std::vector<int64_t> ints() const {
    std::vector<int64_t> r(static_cast<size_t>(count()));
    for (size_t i = 0; i < r.size(); ++i) switch (t_->type.code * 100 + t_->type.bits) {
        case TENON_DT_INT * 100 + 64: r[i] = data<int64_t>()[i]; break;
        case TENON_DT_INT * 100 + 32: r[i] = data<int32_t>()[i]; break;
        case TENON_DT_INT * 100 + 16: r[i] = data<int16_t>()[i]; break;
        case TENON_DT_INT * 100 + 8: r[i] = data<int8_t>()[i]; break;
        case TENON_DT_UINT * 100 + 64: r[i] = static_cast<int64_t>(data<uint64_t>()[i]); break;
        case TENON_DT_UINT * 100 + 32: r[i] = data<uint32_t>()[i]; break;
        case TENON_DT_UINT * 100 + 16: r[i] = data<uint16_t>()[i]; break;
        case TENON_DT_UINT * 100 + 8:
        case TENON_DT_BOOL * 100 + 8: r[i] = data<uint8_t>()[i]; break;
        default: throw invalid("expected an integer tensor, found " + dtype_name(t_->type));
      }
    return r;
  }
};

/// A node in infer, verify, match, prepare or run. Absent optional inputs and unwanted outputs convert to false.
class Node : public Attrs {
  const tenon_node_info* i_;

 public:
  explicit Node(const tenon_node_info* i) : Attrs({i->attr, i->n_attr}), i_(i) {}
  const tenon_node_info* raw() const { return i_; }
  uint32_t n_in() const { return i_->n_in; }
  uint32_t n_out() const { return i_->n_out; }
  bool has_in(uint32_t k) const { return k < i_->n_in && i_->in[k]; }
  bool has_out(uint32_t k) const { return k < i_->n_out && i_->out[k]; }
  Tensor in(uint32_t k) const { return k < i_->n_in ? i_->in[k] : nullptr; }
  Tensor out(uint32_t k) const { return k < i_->n_out ? i_->out[k] : nullptr; }
  bool running() const { return i_->running != 0; }

  // infer
  /// Declares output k (ignored where nobody wants it). rank -1: shape not known.
  void set_out(uint32_t k, tenon_dtype t, Span<int64_t> dims) const {
    if (has_out(k)) ok(i_->set_out(i_, k, t, static_cast<int32_t>(dims.size()), dims.data()));
  }
  void set_out(uint32_t k, tenon_dtype t, const Dims& dims) const { set_out(k, t, Span<int64_t>(dims)); }
  void set_out_unranked(uint32_t k, tenon_dtype t) const {
    if (has_out(k)) ok(i_->set_out(i_, k, t, TENON_RANK_UNKNOWN, nullptr));
  }
  /// Output k is like input j.
  void set_out_like(uint32_t k, uint32_t j = 0) const {
    if (has_out(k)) ok(i_->set_out(i_, k, in(j).type(), in(j).rank(), in(j).raw()->dim));
  }
  /// Contents of integer input k as dimensions; nothing when unknown. Elements may be symbols or unknown.
  std::optional<Dims> shape_value(uint32_t k) const {
    const int64_t* p{};
    uint64_t n{};
    if (!has_in(k) || !i_->shape_value(i_, k, &p, &n)) return std::nullopt;
    return Dims(p, p + n);
  }
  void set_out_shape_value(uint32_t k, const Dims& d) const {
    if (has_out(k)) ok(i_->set_out_shape_value(i_, k, d.data(), d.size()));
  }
  int64_t dim_op(int op, int64_t a, int64_t b) const { return i_->dim_op(i_, op, a, b); }
  int64_t add(int64_t a, int64_t b) const { return dim_op(TENON_DIM_ADD, a, b); }
  int64_t sub(int64_t a, int64_t b) const { return dim_op(TENON_DIM_SUB, a, b); }
  int64_t mul(int64_t a, int64_t b) const { return dim_op(TENON_DIM_MUL, a, b); }
  int64_t floordiv(int64_t a, int64_t b) const { return dim_op(TENON_DIM_FLOORDIV, a, b); }
  int64_t ceildiv(int64_t a, int64_t b) const { return dim_op(TENON_DIM_CEILDIV, a, b); }
  int64_t fresh_symbol() const { return i_->fresh_symbol(i_); }

  /// Contents of a tensor attribute; false when absent.
  Tensor tensor(std::string_view name) const {
    const tenon_attr* a = find(name);
    return a && a->type == TENON_AT_TENSOR ? i_->attr_tensor(i_, a->v.tensor) : nullptr;
  }
  Span<const tenon_tensor*> infer_graph(tenon_graph* g, const std::vector<const tenon_tensor*>& inputs) const {
    const tenon_tensor* const* o{};
    uint32_t n{};
    ok(i_->infer_graph(i_, g, inputs.data(), static_cast<uint32_t>(inputs.size()), &o, &n));
    return {o, n};
  }

  // run
  /// Allocates output k, whose shape only the kernel knows.
  template <class T> T* alloc_out(uint32_t k, tenon_dtype t, const Dims& d) const {
    void* p{};
    ok(i_->alloc_out(i_, k, t, static_cast<int32_t>(d.size()), d.data(), &p));
    return static_cast<T*>(p);
  }
  void alias_out(uint32_t k, const tenon_tensor* t) const {
    if (has_out(k)) ok(i_->alias_out(i_, k, t));
  }
  void string_out(uint32_t k, uint64_t index, std::string_view s) const { ok(i_->string_out(i_, k, index, str(s))); }
  void sequence_out(uint32_t k, tenon_dtype t, const std::vector<const tenon_tensor*>& items) const {
    ok(i_->sequence_out(i_, k, t, items.data(), items.size()));
  }
  Span<const tenon_tensor*> call_graph(tenon_graph* g, const std::vector<const tenon_tensor*>& inputs) const {
    const tenon_tensor* const* o{};
    uint32_t n{};
    ok(i_->call_graph(i_, g, inputs.data(), static_cast<uint32_t>(inputs.size()), &o, &n));
    return {o, n};
  }
  /// Contents of a variable (storage that outlives a run); false until it was set. Valid until the next set_variable of that name.
  Tensor variable(std::string_view name) const {
    const tenon_tensor* t{};
    if (!TENON_HAS(i_, variable)) throw unsupported("this executor keeps no variables");
    ok(i_->variable(i_, str(name), &t));
    return t;
  }
  /// Copies t into the variable.
  void set_variable(std::string_view name, const tenon_tensor* t) const {
    if (!TENON_HAS(i_, set_variable)) throw unsupported("this executor keeps no variables");
    ok(i_->set_variable(i_, str(name), t));
  }
  /// body(begin, end) over [0, n) on the executor's threads; body must not throw.
  template <class F> void parallel_for(int64_t n, int64_t grain, F&& body) const {
    using Body = std::remove_reference_t<F>;
    auto thunk = [](void* u, int64_t b, int64_t e) noexcept { (*static_cast<Body*>(u))(b, e); };
    ok(i_->parallel_for(i_, n, grain, thunk, const_cast<void*>(static_cast<const void*>(&body))));
  }
};

TENON_NAMESPACE_END
