// SPDX-License-Identifier: Apache-2.0
// evaluate.hpp - runs one node on constants, at conversion time.
#pragma once
#include "../ir/model.hpp"
#include "../plugin/session.hpp"

namespace tenon::core {

/// New constants with the contents of the node's outputs (0 where nobody wants one). E_UNSUPPORTED when an input is no constant, there is no
/// reference kernel, the node holds graphs, or the outputs are no tensors or larger than max_bytes together.
Result<std::vector<tenon_value>> evaluate(Session& s, Model& m, tenon_node n, uint64_t max_bytes);

}  // namespace tenon::core
