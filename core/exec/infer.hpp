// SPDX-License-Identifier: Apache-2.0
// infer.hpp - type and shape inference over a graph: calls each operator's infer in topological order, and carries the
// contents of small integer values along as dimensions.
#pragma once
#include "../ir/model.hpp"
#include "../plugin/session.hpp"

namespace tenon::core {

/// Sets the type of every value of g and of graphs nested in it. Nodes whose operator nobody defines leave their outputs as they
/// are. A known output type that contradicts the inferred one is an error that names the node.
Status infer_graph(Session& s, Model& m, tenon_graph& g);
/// The same for the main graph where it was inferred before: only what has changed since, and what follows from that.
Status infer_changes(Session& s, Model& m);

/// Inference that is fed node by node, in an order in which inputs come first (the importer's).
class Inference {
 public:
  Inference(Session& s, Model& m);
  ~Inference();
  Status node(tenon_node n);
  /// The main graph: nodes that are not known to be inferred.
  Status all();
  /// Contents of a value as dimensions, as far as known.
  const std::vector<int64_t>* shape_value(tenon_value v) const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
  bool collect();
};

}  // namespace tenon::core
