// SPDX-License-Identifier: Apache-2.0
// missing.hpp - operators that stand in the way of running a graph, all at once.
#pragma once
#include "../exec/import.hpp"

namespace tenon::core {

/// Who could supply an operator, by the manifests, e.g. "plugin x has it from version 13 on"; empty when nobody is known.
std::string supplier_of(const Registry& r, const Leftover& l);
Json leftover_json(const Registry& r, const Leftover& l);
/// E_UNSUPPORTED with a cause for each operator.
Error missing_error(const Registry& r, const std::vector<Leftover>& all);
/// Nothing when every operator of the graph can run.
Status require_operators(Session& s, const Model& m);

}  // namespace tenon::core
