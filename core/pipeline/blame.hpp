// SPDX-License-Identifier: Apache-2.0
// blame.hpp - a graph is not valid after a pass: is the pass wrong, or the model?
#pragma once
#include "../ir/model.hpp"

namespace tenon::core {

/// E_INVALID becomes E_INTERNAL, an error of the pass's plugin, where the pass made or changed the node that it is about. A node that is as
/// it was stays the model's own fault: folding may show that it was wrong from the start.
Error blamed_on_pass(Error e, const Model& m, const Model& before);

}  // namespace tenon::core
