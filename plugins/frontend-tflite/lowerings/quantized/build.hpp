// SPDX-License-Identifier: Apache-2.0
// build.hpp - making IR nodes in the node's graph or a nested one, and the nodes that integer arithmetic is made of.
#pragma once
#include <tenon/fixed_point.hpp>
#include <tenon/tenon.hpp>

#include "affine.hpp"
#include "lowerings/common/common.hpp"

namespace tenon::tflite::quantized {

/// Adds nodes in place of one foreign node: before it, or at the end of a nested graph.
class Build {
  Graph g_;
  tenon_node origin_, before_;
  std::string name_;
  Build(Graph g, const Build& outer) : g_(g), origin_(outer.origin_), before_(0), name_(outer.name_) {}

 public:
  explicit Build(Lower& l) : g_(l.graph()), origin_(l.node()), before_(l.node()), name_(l.name()) {}
  /// A builder for a new nested graph.
  Build nested(std::string_view name) { return Build(Graph(g_.ctx(), g_.add_subgraph(name)), *this); }
  Graph& graph() { return g_; }
  ValueInfo info(tenon_value v) const { return g_.info(v); }

  tenon_value emit(std::string_view op, const Values& in, const AttrList& attrs = {}) { return emit_n(op, in, attrs, 1)[0]; }
  Values emit_n(std::string_view op, const Values& in, const AttrList& attrs, size_t n);

  tenon_value ints(const std::vector<int64_t>& v) { return g_.add_ints("", v); }
  template <class T> tenon_value scalar(T v) { return g_.add_scalar<T>("", v); }
  /// A scalar of integer type t; v must fit.
  tenon_value integer(tenon_dtype t, int64_t v);
  template <class T> tenon_value constant(const Dims& dims, const std::vector<T>& data) { return g_.add_constant<T>("", dims, data.data()); }
  tenon_value cast(tenon_value v, tenon_dtype to);
  tenon_value reshape(tenon_value v, const std::vector<int64_t>& shape) { return emit("Reshape", {v, ints(shape)}); }
  tenon_value transpose(tenon_value v, std::vector<int64_t> order) { return emit("Transpose", {v}, AttrList{}.set("perm", std::move(order))); }

  /// q - zero in i32.
  tenon_value centred(tenon_value q, int64_t zero);
  tenon_value wide(tenon_value q) { return cast(q, dt::i32); }
};

/// What becomes of integer sums.
struct Requantized {
  tenon_dtype type;
  int64_t zero = 0;
  Range range;
  const char* rounding = "double";
  int64_t axis = -1;  ///< of the scales, where there are several
};
tenon_value requantize(Build& b, tenon_value sums, const std::vector<double>& scale, const Requantized& to);

/// table[q]; entries for numbers below 0 stand behind the others.
tenon_value lookup(Build& b, tenon_value q, tenon_dtype type, const std::vector<int32_t>& table);

/// f(q) for every q of an 8 or 16-bit tensor, by a table. `type` is the result's: i8, u8, i16 or i32. Throws for other types of q.
template <class F>
tenon_value mapped(Build& b, tenon_value q, tenon_dtype from, tenon_dtype type, F&& f) {
  if (!is_int(from) || from.bits > 16)
    throw unsupported("an input of this quantized operator can not be mapped by a table").with("expected", "an integer type of at most 16 bits").with("found", dtype_name(from));
  const Range all = range_of(from);
  std::vector<int32_t> table(static_cast<size_t>(all.high - all.low + 1));
  for (int64_t v = all.low; v <= all.high; ++v) table[static_cast<size_t>(v < 0 ? v + static_cast<int64_t>(table.size()) : v)] = static_cast<int32_t>(f(v));
  return lookup(b, q, type, table);
}
}  // namespace tenon::tflite::quantized
