// SPDX-License-Identifier: Apache-2.0
// body.hpp - builds the graph that an operator with a nested graph holds.
#pragma once
#include "common.hpp"

namespace tenon::onnx {

/// A nested graph under construction. Its nodes may use values of the graph around it directly.
class Body {
  Graph graph_;
  tenon_node origin_;

 public:
  Body(Lower& l, std::string_view name) : graph_(l.graph().ctx(), l.graph().add_subgraph(name)), origin_(l.node()) {}
  tenon_graph* raw() const { return graph_.raw(); }
  /// An input of a type that the operator around it finds out.
  tenon_value input(std::string_view name, tenon_dtype type) { return graph_.add_input(name, type, TENON_RANK_UNKNOWN, nullptr); }
  tenon_value emit(std::string_view op, const Values& in, const AttrList& attrs = {}) { return emit_n(op, in, attrs, 1)[0]; }
  Values emit_n(std::string_view op, const Values& in, const AttrList& attrs, size_t n) {
    Graph::New d;
    d.op = Graph::op(op);
    d.in = in;
    d.attrs = &attrs;
    d.origins = {origin_};
    d.out_names.resize(n);
    return graph_.outputs(graph_.add(d)).vec();
  }
  void outputs(const Values& values) { graph_.set_outputs(values, std::vector<std::string>(values.size())); }
};

}  // namespace tenon::onnx
