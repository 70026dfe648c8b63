// SPDX-License-Identifier: Apache-2.0
// blobs.hpp - which blobs a layer has: its own, those of the layer of that name in the weights, or shared ones.
#pragma once
#include <unordered_map>

#include "build.hpp"

namespace tenon::caffe {

class Blobs {
  using List = std::vector<tenon_value>;
  const Ctx& ctx_;
  Graph graph_;
  const File& file_;
  const Weights* weights_;
  std::unordered_map<std::string, const LayerProto*> by_name_;
  std::unordered_map<std::string, tenon_value> shared_;  ///< by the name that `param` gives
  std::unordered_map<const LayerProto*, List> done_;
  const LayerProto* stored(const LayerProto& l) const;
  List own(const LayerProto& l);

 public:
  Blobs(const Ctx& ctx, tenon_graph* g, const File& file, const Weights* weights);
  List of(const LayerProto& l);
  /// Layers of the weights file that the network does not have: worth a word.
  void report(const Net& net) const;
};

}  // namespace tenon::caffe
