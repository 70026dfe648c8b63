// SPDX-License-Identifier: Apache-2.0
#include "blame.hpp"

#include <tenon/dtype.hpp>
#include <algorithm>

namespace tenon::core {
namespace {

std::vector<tenon_node> nodes_named(const Model& m, std::string_view name) {
  std::vector<tenon_node> all;
  for (const auto* g : m.nested(m.main()))
    for (Slot n = g->first; n; n = m.nodes.next[n])
      if (m.nodes.name[n] == name) all.push_back(m.node_id(n));
  return all;
}

using tenon::operator==;

/// As it was, or as it was and more is known of its shape.
bool agrees(const Model& m, tenon_value v, const Model& before, tenon_value old) {
  if (!v || !old) return v == old;
  const ValueType now = m.type(v), then = before.type(old);
  if (!(now.dtype == then.dtype)) return false;
  if (then.rank < 0) return true;
  if (now.rank != then.rank) return false;
  for (size_t k = 0; k < then.dims.size(); ++k)
    if (then.dims[k] >= 0 && now.dims[k] != then.dims[k]) return false;
  return true;
}
bool agree(const Model& m, const std::vector<tenon_value>& all, const Model& before, const std::vector<tenon_value>& old) {
  if (all.size() != old.size()) return false;
  for (size_t k = 0; k < all.size(); ++k)
    if (!agrees(m, all[k], before, old[k])) return false;
  return true;
}

bool is_same(const Model& m, tenon_node now, const Model& before, tenon_node then) {
  if (m.nodes.op[slot(now)] != before.nodes.op[slot(then)]) return false;
  std::vector<tenon_value> a, b;
  m.inputs(now, &a);
  before.inputs(then, &b);
  if (!agree(m, a, before, b)) return false;
  m.outputs(now, &a);
  before.outputs(then, &b);
  return agree(m, a, before, b);
}

/// Is a node of this name as it was before: operator, number of inputs and outputs, types as far as they were known?
bool was_there(const Model& m, const Model& before, std::string_view name) {
  const auto then = nodes_named(before, name), now = nodes_named(m, name);
  return std::any_of(now.begin(), now.end(), [&](tenon_node n) { return std::any_of(then.begin(), then.end(), [&](tenon_node t) { return is_same(m, n, before, t); }); });
}

}  // namespace

Error blamed_on_pass(Error e, const Model& m, const Model& before) {
  const std::string_view node = e.detail("node");
  if (e.code != TENON_E_INVALID || node.empty() || was_there(m, before, node)) return e;
  e.code = TENON_E_INTERNAL;
  return e;
}

}  // namespace tenon::core
