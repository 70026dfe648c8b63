// SPDX-License-Identifier: Apache-2.0
// locate.hpp - says in an error which node it is about.
#pragma once
#include "../ir/model.hpp"

namespace tenon::core {

/// Adds node, operator and origins, unless a node is named already (the innermost one counts).
inline Error located(Error e, const Model& m, tenon_node n) {
  if (!e.detail("node").empty() || !m.alive_node(n)) return e;
  OpName op = op_name(m.nodes.op[slot(n)]);
  e.with("node", m.nodes.name[slot(n)]).with("operator", std::string(op.domain) + "::" + std::string(op.name));
  size_t shown = 0;
  for (const auto& o : m.origin_names(n))
    if (o != m.nodes.name[slot(n)] && shown++ < 4) e.with("origin", o);
  return e;
}

}  // namespace tenon::core
