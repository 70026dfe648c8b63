// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "net.hpp"

namespace tenon::caffe {

/// Where the blobs of the layers are: the file with the weights, and the messages read from it.
struct Weights {
  const File& file;
  Net net;
};

/// Puts the network into the graph as it stands: one foreign node in domain "caffe" for each layer, its blobs as constants in attribute
/// "blobs". `weights` may be null, then the layers have the blobs that are in the network itself.
void build(const Ctx& ctx, const File& file, const Net& net, const Weights* weights, tenon_graph* g);

}  // namespace tenon::caffe
