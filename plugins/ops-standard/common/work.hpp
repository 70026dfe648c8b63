// SPDX-License-Identifier: Apache-2.0
// work.hpp - the type in which a heavy kernel computes, and tensors seen in that type. Narrow floats compute in float; integers
// in an unsigned type of 32 or 64 bits, whose wrapping, cut to the element type, is that of the element type itself.
#pragma once
#include "common/dispatch.hpp"

#include <memory>
#include <vector>

namespace tenon::ops {

/// Sums over many elements: double for float and double, the unsigned type itself for integers.
template <class W> using sum_t = std::conditional_t<std::is_floating_point_v<W>, double, W>;

/// Calls f(Tag<W>{}) with float, double, uint32_t or uint64_t.
template <class F>
void visit_work(tenon_dtype t, F&& f) {
  if (t == dt::f64) return f(Tag<double>{});
  if (list_holds(Join<FloatTypes, MiniFloatTypes>{}, t)) return f(Tag<float>{});
  if (!list_holds(IntTypes{}, t)) fail_type(t);
  if (t.bits == 64) return f(Tag<uint64_t>{});
  f(Tag<uint32_t>{});
}
/// The same for operators on floats only.
template <class F>
void visit_real_work(tenon_dtype t, F&& f) {
  if (t == dt::f64) return f(Tag<double>{});
  if (!list_holds(Join<FloatTypes, MiniFloatTypes>{}, t)) fail_type(t);
  f(Tag<float>{});
}

template <class W>
bool is_stored_as(tenon_dtype t) {
  if constexpr (std::is_floating_point_v<W>) return t == dtype_for<W>();
  else return is_int(t) && t.bits == 8 * sizeof(W);
}

/// Calls f(Tag<T>{}) for the stored types that compute in W.
template <class W, class F>
void visit_stored(tenon_dtype t, F&& f) {
  if constexpr (std::is_floating_point_v<W>) visit<Join<FloatTypes, MiniFloatTypes>>(t, f);
  else visit<IntTypes>(t, f);
}

/// An input as W: borrowed where it is stored so, else converted.
template <class W>
class Operand {
  std::vector<W> own_;
  const W* data_ = nullptr;
  int64_t count_ = 0;

 public:
  Operand() = default;
  explicit Operand(const Tensor& t) {
    if (!t) return;
    count_ = t.count();
    if (is_stored_as<W>(t.type())) {
      data_ = t.data<W>();
      return;
    }
    own_.resize(static_cast<size_t>(count_));
    visit_stored<W>(t.type(), [&]<class T>(Tag<T>) {
      const T* p = t.data<T>();
      for (int64_t i = 0; i < count_; ++i) own_[static_cast<size_t>(i)] = static_cast<W>(static_cast<compute_t<T>>(p[i]));
    });
    data_ = own_.data();
  }
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;
  Operand(Operand&&) = default;
  Operand& operator=(Operand&&) = default;
  explicit operator bool() const { return data_ != nullptr; }
  const W* data() const { return data_; }
  int64_t count() const { return count_; }
  W operator[](int64_t i) const { return data_[i]; }
};

/// Rounds `n` sums once each and stores them from element `at` of an output of any element type that computes in W.
template <class W>
void store_sums(void* to, tenon_dtype type, int64_t at, const sum_t<W>* from, int64_t n) {
  visit_stored<W>(type, [&]<class T>(Tag<T>) {
    T* p = static_cast<T*>(to) + at;
    for (int64_t i = 0; i < n; ++i) p[i] = convert<T>(from[i]);
  });
}

/// An output that is written as W and stored, rounded once, by commit().
template <class W>
class Result {
  std::vector<W> own_;
  void* to_ = nullptr;
  tenon_dtype type_{};
  W* data_ = nullptr;
  int64_t count_ = 0;

 public:
  Result() = default;
  explicit Result(const Tensor& t) {
    if (t) bind(t.mutable_data<void>(), t.type(), t.count());
  }
  void bind(void* to, tenon_dtype type, int64_t count) {
    to_ = to;
    type_ = type;
    count_ = count;
    if (is_stored_as<W>(type)) {
      data_ = static_cast<W*>(to);
      return;
    }
    own_.resize(static_cast<size_t>(count));
    data_ = own_.data();
  }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  explicit operator bool() const { return to_ != nullptr; }
  W* data() { return data_; }
  W& operator[](int64_t i) { return data_[i]; }
  int64_t count() const { return count_; }
  void commit() {
    if (own_.empty()) return;
    visit_stored<W>(type_, [&]<class T>(Tag<T>) {
      for (int64_t i = 0; i < count_; ++i) static_cast<T*>(to_)[i] = convert<T>(own_[static_cast<size_t>(i)]);
    });
  }
};

}  // namespace tenon::ops
