// SPDX-License-Identifier: Apache-2.0
// motifs.hpp - pieces of models: single operators, no-ops in every spelling, and the structures that passes look for.
#pragma once
#include <functional>
#include <vector>

#include "graph_maker.hpp"

namespace tenon::test {

/// Each adds a few nodes to the graph at work, or none where no value fits.
const std::vector<std::function<void(GraphMaker&)>>& motifs();

std::vector<std::function<void(GraphMaker&)>> movement_motifs();
std::vector<std::function<void(GraphMaker&)>> network_motifs();
std::vector<std::function<void(GraphMaker&)>> control_motifs();

}  // namespace tenon::test
