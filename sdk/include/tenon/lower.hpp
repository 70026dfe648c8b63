// SPDX-License-Identifier: Apache-2.0
// lower.hpp - builds the replacement of one node: for lowerings and expansions.
#pragma once
#include "graph.hpp"

TENON_NAMESPACE_BEGIN

/// Lowering of one foreign node. New nodes stand before it in the order, take its origin and (the last one) its output names.
class Lower : public Attrs {
  Graph g_;
  tenon_node n_;
  std::string name_;

 public:
  Lower(tenon_ctx* c, tenon_graph* g, tenon_node n) : Attrs(Graph(c, g).attrs(n)), g_(c, Graph(c, g).graph_of(n)), n_(n), name_(g_.name(n)) {}
  Graph& graph() { return g_; }
  tenon_node node() const { return n_; }
  std::string_view name() const { return name_; }
  /// Version of the node's operator: the model's opset of its domain.
  int32_t version() const { return Graph::op_name(g_.op(n_)).version; }
  uint64_t n_in() const { return g_.inputs(n_).size(); }
  uint64_t n_out() const { return g_.outputs(n_).size(); }
  /// Input k, 0 when absent.
  tenon_value in(uint64_t k) const { return g_.input(n_, k); }
  tenon_value out(uint64_t k = 0) const { return g_.output(n_, k); }
  bool has_in(uint64_t k) const { return in(k) != 0; }
  bool has_out(uint64_t k) const { return out(k) != 0; }
  ValueInfo info(tenon_value v) const { return g_.info(v); }

  /// A new IR node with one output (by its name in domain "tenon"); returns the output.
  tenon_value emit(std::string_view op, const std::vector<tenon_value>& in, const AttrList& attrs = {}) { return emit_n(op, in, attrs, 1)[0]; }
  /// With n outputs; wanted[k] == false leaves optional output k out (its value is 0).
  std::vector<tenon_value> emit_n(std::string_view op, const std::vector<tenon_value>& in, const AttrList& attrs, size_t n, const std::vector<bool>& wanted = {}) {
    Graph::New d;
    d.op = Graph::op(op);
    d.in = in;
    d.attrs = &attrs;
    d.out_names.resize(n);
    d.origins = {n_};
    d.before = n_;
    d.name = name_;
    for (size_t k = 0; k < wanted.size(); ++k) d.out_absent.push_back(wanted[k] ? 0 : 1);
    return g_.outputs(g_.add(d)).vec();
  }
  tenon_value ints(const std::vector<int64_t>& v) { return g_.add_ints("", v); }
  template <class T> tenon_value scalar(T v) { return g_.add_scalar<T>("", v); }
  /// Scalar constant of element type t (f32 f64 i64 i32 exactly; other types through a Cast node).
  tenon_value scalar_of(tenon_dtype t, double v) {
    if (t == dt::f32) return scalar<float>(static_cast<float>(v));
    if (t == dt::f64) return scalar<double>(v);
    if (t == dt::i64) return scalar<int64_t>(static_cast<int64_t>(v));
    if (t == dt::i32) return scalar<int32_t>(static_cast<int32_t>(v));
    return emit("Cast", {scalar<float>(static_cast<float>(v))}, AttrList{}.set("to", dtype_name(t)));
  }
  /// Contents of a constant integer input; throws TENON_E_UNSUPPORTED when it is not constant.
  std::vector<int64_t> const_ints(uint64_t k) const {
    std::vector<int64_t> r;
    if (!g_.constant_ints(in(k), &r)) throw unsupported("input " + std::to_string(k) + " must be a constant").with("hint", "fold constants before lowering, or freeze it in the model");
    return r;
  }
  /// Finishes: the node's outputs are replaced by these values (names kept) and the node is erased.
  void done(const std::vector<tenon_value>& with) {
    auto outs = g_.outputs(n_).vec();
    std::vector<std::string> names;
    for (auto o : outs) names.emplace_back(o ? std::string(g_.info(o).name()) : std::string());
    g_.replace(n_, with);
    for (size_t k = 0; k < with.size() && k < names.size(); ++k)
      if (with[k] && !names[k].empty() && g_.info(with[k]).producer()) ok(api().ir->set_name(g_.ctx(), g_.raw(), 0, with[k], str(names[k])));
  }
  /// emit + done for the most common case.
  void to(std::string_view op, const std::vector<tenon_value>& in, const AttrList& attrs = {}) { done({emit(op, in, attrs)}); }
};

TENON_NAMESPACE_END
