// SPDX-License-Identifier: Apache-2.0
// subgraph.hpp - a part of a model as a model of its own, with the contents of the values that it now takes as inputs.
#pragma once
#include <memory>
#include <set>

#include "../pipeline/input_sets.hpp"

namespace tenon::core {

/// A model and what it is run on; tensors in the order of its inputs.
struct Sample {
  std::unique_ptr<Model> model;
  std::vector<Tensor> inputs;
};

/// Nodes of the main graph in topological order.
Result<std::vector<tenon_node>> main_nodes(const Model& m);
/// Values that a node and graphs in it read, constants not included.
std::vector<tenon_value> reads(const Model& m, tenon_node n);

/// The nodes of `keep` alone: what others made becomes an input with the contents that it has in the sample, what others read an output.
/// `run` computes the contents. E_NOT_FOUND when nothing would be left to look at.
Result<Sample> cut(Session& s, const Sample& of, const std::set<tenon_node>& keep, const GraphRunner& run);
/// Only one of the outputs, and what leads to it.
Result<Sample> one_output(Session& s, const Sample& of, size_t output, const GraphRunner& run);
/// Every size `from` of inputs and constants becomes `to`, small integers that say so too; contents are cut off. E_NOT_FOUND when no input has it.
Result<Sample> resized(Session& s, const Sample& of, int64_t from, int64_t to);
/// Sizes above 1 of the inputs, largest first.
std::vector<int64_t> input_sizes(const Sample& s);

}  // namespace tenon::core
