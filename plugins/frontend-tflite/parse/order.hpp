// SPDX-License-Identifier: Apache-2.0
// order.hpp - an order in which a subgraph's operators can run.
#pragma once
#include "file.hpp"

namespace tenon::tflite {

/// The file's own order where that is one, else a stable topological one. A cycle throws.
std::vector<uint32_t> run_order(const File& file, const fb::SubGraph& g);

}  // namespace tenon::tflite
