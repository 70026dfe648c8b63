// SPDX-License-Identifier: Apache-2.0
// verifier.hpp - is the graph well-formed? Runs after every stage.
#pragma once
#include "model.hpp"
#include "../plugin/session.hpp"

namespace tenon::core {

/// Ids alive, def-use lists consistent, values made before used (dominance, also into nested graphs), no cycles, signatures of defined operators (counts,
/// element types, attributes known and of their kind), constants as large as their type, graph outputs named and distinct.
/// All findings at once as causes of one error (E_INTERNAL), each with node and operator.
Status verify(Session& s, Model& m);
/// The same after edits of a model that was verified: all links, but the signatures of changed nodes only.
Status verify_changes(Session& s, Model& m);

}  // namespace tenon::core
