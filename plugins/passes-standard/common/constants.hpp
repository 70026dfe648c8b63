// SPDX-License-Identifier: Apache-2.0
// constants.hpp - reading and making constants. Arithmetic on weights is done in double and rounded once to f32.
#pragma once
#include <tenon/graph.hpp>
#include <tenon/scalar.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

namespace tenon::passes {

/// Element k of a dense constant; bytes may be unaligned.
template <class T>
T element_at(Span<uint8_t> bytes, size_t k) {
  T v;
  std::memcpy(&v, bytes.data() + k * sizeof(T), sizeof v);
  return v;
}

/// a and b are equal up to how exporters round the same number.
inline bool close(double a, double b) { return std::fabs(a - b) <= 2e-5 * std::fabs(b); }

/// Elements of an f32 constant as doubles.
inline std::optional<std::vector<double>> floats(const Graph& g, tenon_value v) {
  if (!v) return std::nullopt;
  const ValueInfo i = g.info(v);
  if (!i.constant() || i.type() != dt::f32) return std::nullopt;
  const auto b = g.constant_bytes(v);
  std::vector<double> r(static_cast<size_t>(i.count()));
  for (size_t k = 0; k < r.size(); ++k) r[k] = element_at<float>(b, k);
  return r;
}

/// Elements of an i32 or i64 constant.
inline std::optional<std::vector<int64_t>> ints(const Graph& g, tenon_value v) {
  if (!v) return std::nullopt;
  const ValueInfo i = g.info(v);
  if (!i.constant() || !(i.type() == dt::i64 || i.type() == dt::i32)) return std::nullopt;
  const auto b = g.constant_bytes(v);
  std::vector<int64_t> r(static_cast<size_t>(i.count()));
  for (size_t k = 0; k < r.size(); ++k) r[k] = i.type() == dt::i64 ? element_at<int64_t>(b, k) : element_at<int32_t>(b, k);
  return r;
}

/// One factor or offset for each slice along `axis` of a value of the given rank, from an f32 constant that broadcasts to it
/// without varying along another axis. A single element stands for `count` equal ones.
inline std::optional<std::vector<double>> per_channel(const Graph& g, tenon_value v, int32_t rank, int32_t axis, int64_t count) {
  if (!v) return std::nullopt;
  const ValueInfo i = g.info(v);
  if (!i.constant() || i.type() != dt::f32 || i.rank() > rank) return std::nullopt;
  for (int32_t k = 0; k < i.rank(); ++k) {
    const bool channel = rank - i.rank() + k == axis;
    if (i.dim(k) != 1 && !(channel && i.dim(k) == count)) return std::nullopt;
  }
  auto r = floats(g, v);
  if (r && r->size() == 1) r->assign(static_cast<size_t>(count), r->front());
  if (!r || static_cast<int64_t>(r->size()) != count) return std::nullopt;
  for (double x : *r)
    if (!std::isfinite(x)) return std::nullopt;
  return r;
}

/// Rounds once; nothing when a finite double leaves the range of f32.
inline std::optional<std::vector<float>> rounded(const std::vector<double>& v) {
  std::vector<float> r(v.size());
  for (size_t k = 0; k < v.size(); ++k) {
    r[k] = static_cast<float>(v[k]);
    if (!std::isfinite(r[k]) && std::isfinite(v[k])) return std::nullopt;
  }
  return r;
}

/// A scalar constant of element type t (f32, f64, f16 where exact); 0 when t is another type.
inline tenon_value make_scalar(Graph& g, tenon_dtype t, double x) {
  if (t == dt::f32) return g.add_scalar<float>("", static_cast<float>(x));
  if (t == dt::f64) return g.add_scalar<double>("", x);
  return 0;
}

/// The same constant has the same type, shape and bytes.
inline bool same_constant(const Graph& g, tenon_value a, tenon_value b) {
  if (a == b) return true;
  if (!a || !b) return false;
  const ValueInfo x = g.info(a), y = g.info(b);
  if (!x.constant() || !y.constant() || x.type() != y.type() || x.dims().vec() != y.dims().vec()) return false;
  const auto p = g.constant_bytes(a), q = g.constant_bytes(b);
  return p.size() == q.size() && std::memcmp(p.data(), q.data(), p.size()) == 0;
}

}  // namespace tenon::passes
