// SPDX-License-Identifier: Apache-2.0
// order.hpp - the order of the nodes that needs least memory.
#pragma once
#include "builder.hpp"

namespace tenon::cpu {

/// Puts the nodes into an order in which the values that are alive together take fewer bytes; leaves them as they are where none of
/// the orders tried does. Nodes with graphs, side effects or chance stay between the same nodes. O((n + e) log n).
void order_nodes(std::vector<PlanNode>& nodes, const std::vector<PlanValue>& values);

}  // namespace tenon::cpu
