// SPDX-License-Identifier: Apache-2.0
// body.hpp - one graph in the place of many equal parts of a model, and a Call in the place of each.
#pragma once
#include "outline/growth.hpp"

namespace tenon::passes::outline {

struct Outlined {
  uint64_t calls = 0, nodes = 0;   ///< nodes that are no more
  uint64_t constant_bytes = 0;     ///< of constants in the body, once for each call but the first
};

/// `instances`: of the same wiring, each in an order in which values are made before they are used. Values of the table that calls
/// yield from now on are changed to these.
Outlined make_body(Graph& main, NodeTable& t, const std::vector<std::vector<uint32_t>>& instances, const std::string& name);

}  // namespace tenon::passes::outline
