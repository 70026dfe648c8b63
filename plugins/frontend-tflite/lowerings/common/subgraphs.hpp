// SPDX-License-Identifier: Apache-2.0
// subgraphs.hpp - nested graphs of foreign nodes put in the place of a node, or into a graph of the IR's making.
#pragma once
#include "common.hpp"

namespace tenon::tflite {

/// The nodes of nested graph `from` move before node `at` of g, with `in` as their inputs; gives its outputs. `from` is empty then.
Values inline_graph(Graph& g, tenon_graph* from, tenon_node at, const Values& in);

/// The same with copies: `from` stays as it is.
Values inline_copy(Graph& g, tenon_graph* from, tenon_node at, const Values& in);

/// A new nested graph, built with an anchor in it to put nodes before. close() names its outputs and takes the anchor away.
class Body {
  Graph g_;
  tenon_node anchor_ = 0;
  Values inputs_;

 public:
  Body(Graph& outer, std::string_view name);
  Graph& graph() { return g_; }
  tenon_node anchor() const { return anchor_; }
  /// An input with the type and quantization of v.
  tenon_value input_like(std::string_view name, tenon_value v);
  tenon_value input(std::string_view name, tenon_dtype t);
  tenon_graph* close(const Values& outputs);
};

/// A nested graph without inputs that runs `from` on values of the graph outside.
tenon_graph* closure(Graph& outer, std::string_view name, tenon_graph* from, const Values& in);

}  // namespace tenon::tflite
