// SPDX-License-Identifier: Apache-2.0
// infer.hpp - what shape inference of many operators needs. Dimensions may be numbers, symbols (<= -2) or TENON_DIM_UNKNOWN.
#pragma once
#include <algorithm>
#include <optional>
#include <string>

#include <tenon/plugin.hpp>

namespace tenon::ops {

inline constexpr int64_t kUnknown = TENON_DIM_UNKNOWN;

/// "[2, ?, N3]": symbols are shown by number, names are the host's.
inline std::string dims_text(Span<int64_t> dims) {
  std::string s = "[";
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i) s += ", ";
    s += dims[i] >= 0 ? std::to_string(dims[i]) : dims[i] == kUnknown ? "?" : "symbol" + std::to_string(-dims[i]);
  }
  return s + "]";
}
/// "[2, -1]": numbers that are no dimensions.
inline std::string ints_text(const Dims& v) {
  std::string s = "[";
  for (size_t i = 0; i < v.size(); ++i) s += (i ? ", " : "") + std::to_string(v[i]);
  return s + "]";
}
inline std::string shape_text(Tensor t) { return t.has_rank() ? dims_text(t.dims()) : "[...]"; }

[[noreturn]] inline void fail(std::string text, std::string expected, std::string found) {
  throw invalid(std::move(text)).with("expected", std::move(expected)).with("found", std::move(found));
}

/// Axis in [0, rank); negative counts from the end. `rank` may be one more than the tensor's where a position is meant.
inline int64_t normalize_axis(int64_t axis, int64_t rank, const char* what = "axis") {
  if (axis < -rank || axis >= rank)
    fail(std::string(what) + " is out of range", "between " + std::to_string(-rank) + " and " + std::to_string(rank - 1),
         std::to_string(axis));
  return axis < 0 ? axis + rank : axis;
}
/// All axes normalized; a repeated one is an error.
inline Dims normalize_axes(const Dims& axes, int64_t rank, const char* what = "axes") {
  Dims r;
  for (int64_t a : axes) {
    const int64_t n = normalize_axis(a, rank, what);
    if (std::find(r.begin(), r.end(), n) != r.end()) fail(std::string(what) + " holds the same axis twice", "distinct axes", ints_text(axes));
    r.push_back(n);
  }
  return r;
}

/// Throws unless the rank is `rank` (or not known).
inline void expect_rank(Tensor t, int32_t rank, const char* what) {
  if (t.has_rank() && t.rank() != rank)
    fail(std::string(what) + " has a wrong rank", "rank " + std::to_string(rank), "shape " + shape_text(t));
}
inline void expect_rank_at_least(Tensor t, int32_t rank, const char* what) {
  if (t.has_rank() && t.rank() < rank)
    fail(std::string(what) + " has a wrong rank", "rank " + std::to_string(rank) + " or more", "shape " + shape_text(t));
}
/// Two dimensions that must be equal: gives the better known one, throws when both are numbers and differ.
inline int64_t same_dim(int64_t a, int64_t b, const char* what) {
  if (a >= 0 && b >= 0 && a != b) fail(std::string(what) + " differ", std::to_string(a), std::to_string(b));
  if (a >= 0) return a;
  if (b >= 0) return b;
  return a == kUnknown ? b : a;
}

/// Literal contents of an integer input when they are known to the last digit (negative ones included), else nothing.
inline std::optional<Dims> known_ints(const Node& node, uint32_t k) {
  if (!node.has_in(k) || !node.in(k).has_data() || !node.in(k).is_static()) {
    if (auto v = node.shape_value(k); v && std::all_of(v->begin(), v->end(), [](int64_t d) { return d >= 0; })) return v;
    return std::nullopt;
  }
  return node.in(k).ints();
}
/// Literal scalar (or single element) of an integer input.
inline std::optional<int64_t> known_int(const Node& node, uint32_t k) {
  auto v = known_ints(node, k);
  if (!v) return std::nullopt;
  if (v->size() != 1) fail("input " + std::to_string(k) + " must hold one number", "1 element", std::to_string(v->size()) + " elements");
  return v->front();
}
/// Contents of an integer input as dimensions: numbers >= 0 and symbols; what cannot be said, also a negative literal, is kUnknown.
inline std::optional<Dims> dim_values(const Node& node, uint32_t k) {
  if (!node.has_in(k)) return std::nullopt;
  if (!node.in(k).has_data() || !node.in(k).is_static()) return node.shape_value(k);
  if (!is_int(node.in(k).type()) && node.in(k).type() != dt::boolean) return std::nullopt;
  if (node.in(k).type().bits < 8 || node.in(k).count() > 64) return std::nullopt;
  Dims v = node.in(k).ints();
  for (int64_t& d : v) d = std::max<int64_t>(d, kUnknown);
  return v;
}
/// Elements of a 1-D input whose length must be a number to know a rank; nothing when the length is not known.
inline std::optional<int64_t> known_length(Tensor t) {
  if (!t || !t.has_rank()) return std::nullopt;
  expect_rank(t, 1, "a list of numbers");
  return t.dim(0) >= 0 ? std::optional<int64_t>(t.dim(0)) : std::nullopt;
}

/// One element of a shape-like input: a number of any sign, a symbol or unknown.
struct DimValue {
  int64_t v;
  bool number;  ///< v is meant literally, also when negative
  bool unknown() const { return !number && v == kUnknown; }
};
/// As dim_values(), with negative literals kept apart from symbols.
inline std::optional<std::vector<DimValue>> literal_dim_values(const Node& node, uint32_t k) {
  std::vector<DimValue> r;
  if (node.has_in(k) && node.in(k).has_data() && node.in(k).is_static()) {
    if (!dim_values(node, k)) return std::nullopt;
    for (int64_t v : node.in(k).ints()) r.push_back({v, true});
    return r;
  }
  auto values = node.shape_value(k);
  if (!values) return std::nullopt;
  for (int64_t v : *values) r.push_back({v, v >= 0});
  return r;
}

// Dimension arithmetic that also takes negative numbers out of the way: a number below 0 is not a dimension and gives kUnknown.
inline int64_t dim_number(int64_t v) { return v >= 0 ? v : kUnknown; }
inline int64_t dim_add(const Node& n, int64_t a, int64_t b) {
  int64_t r = 0;
  if (b == 0) return a;
  if (a >= 0 && b >= 0) return __builtin_add_overflow(a, b, &r) ? kUnknown : r;
  return n.add(a, b);
}
inline int64_t dim_sub(const Node& n, int64_t a, int64_t b) {
  if (b == 0) return a;
  return a >= 0 && b >= 0 ? dim_number(a - b) : n.sub(a, b);
}
inline int64_t dim_mul(const Node& n, int64_t a, int64_t b) {
  int64_t r = 0;
  if (a >= 0 && b >= 0) return __builtin_mul_overflow(a, b, &r) ? kUnknown : r;
  if (a == 0 || b == 0) return 0;
  return n.mul(a, b);
}
inline int64_t dim_floordiv(const Node& n, int64_t a, int64_t b) {
  if (b == 0) return kUnknown;
  return a >= 0 && b >= 0 ? a / b : n.floordiv(a, b);
}
inline int64_t dim_min(const Node& n, int64_t a, int64_t b) { return n.dim_op(TENON_DIM_MIN, a, b); }
inline int64_t dim_max(const Node& n, int64_t a, int64_t b) { return n.dim_op(TENON_DIM_MAX, a, b); }
/// Product of dimensions; kUnknown when one is.
inline int64_t dim_product(const Node& node, Span<int64_t> dims) {
  int64_t p = 1;
  for (int64_t d : dims) p = dim_mul(node, p, d);
  return p;
}

/// One dimension by numpy's rule. A symbol against a number above 1 is that number; two symbols are their maximum.
inline int64_t broadcast_dim(const Node& node, int64_t a, int64_t b) {
  if (a == b) return a;
  if (a == 1) return b;
  if (b == 1) return a;
  if (a >= 0 && b >= 0) fail("dimensions do not broadcast", "equal dimensions or 1", std::to_string(a) + " and " + std::to_string(b));
  if (a >= 0) return a;
  if (b >= 0) return b;
  return a == kUnknown || b == kUnknown ? kUnknown : dim_max(node, a, b);
}
inline Dims broadcast_dims(const Node& node, Span<int64_t> a, Span<int64_t> b) {
  const size_t rank = std::max(a.size(), b.size());
  Dims r(rank);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t x = i + a.size() < rank ? 1 : a[i + a.size() - rank], y = i + b.size() < rank ? 1 : b[i + b.size() - rank];
    if (x >= 0 && y >= 0 && x != y && x != 1 && y != 1)
      fail("shapes do not broadcast", "equal dimensions or 1", dims_text(a) + " and " + dims_text(b));
    r[i] = broadcast_dim(node, x, y);
  }
  return r;
}

/// a / b where b is known to divide a, with common factors taken out first; kUnknown when it cannot be said.
inline int64_t dim_quotient(const Node& node, Dims a, Dims b) {
  for (auto d = b.begin(); d != b.end();) {
    const auto same = *d == kUnknown ? a.end() : std::find(a.begin(), a.end(), *d);
    if (same == a.end()) ++d;
    else a.erase(same), d = b.erase(d);
  }
  return dim_floordiv(node, dim_product(node, a), dim_product(node, b));
}
/// The elements of input k are those of output 0 in the same order: a known list of sizes stays known.
inline void forward_shape_value(const Node& node, uint32_t k = 0) {
  if (auto v = dim_values(node, k)) node.set_out_shape_value(0, *v);
}

/// Throws unless inputs a and b have the same element type (or one is not known yet).
inline void expect_same_type(const Node& node, uint32_t a, uint32_t b) {
  const tenon_dtype x = node.in(a).type(), y = node.in(b).type();
  if (x != y && x != dt::none && y != dt::none)
    fail("inputs " + std::to_string(a) + " and " + std::to_string(b) + " have different element types", dtype_name(x), dtype_name(y));
}
/// Throws unless input k has type t (or it is not known yet).
inline void expect_type(const Node& node, uint32_t k, tenon_dtype t) {
  const tenon_dtype x = node.in(k).type();
  if (x != t && x != dt::none) fail("input " + std::to_string(k) + " has a wrong element type", dtype_name(t), dtype_name(x));
}

/// Output 0 has the type and shape of input 0.
inline void infer_same(const Node& node) { node.set_out_like(0, 0); }

/// Element type from a type-name attribute such as "f32".
inline tenon_dtype dtype_from_name(std::string_view name) {
  for (const auto& d : dtype_names())
    if (name == d.name) return d.type;
  throw invalid("unknown element type").with("found", std::string(name)).with("expected", "a name such as f32, i64 or bool");
}

}  // namespace tenon::ops
