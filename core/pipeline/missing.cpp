// SPDX-License-Identifier: Apache-2.0
#include "missing.hpp"

#include <fmt/format.h>

#include <set>


namespace tenon::core {
namespace {

std::string first_names(const Leftover& l) {
  std::string s;
  for (const auto& n : l.nodes) s += (s.empty() ? "" : ", ") + n;
  return l.count > l.nodes.size() ? s + fmt::format(", and {} more", l.count - l.nodes.size()) : s;
}

std::string domain_of(const std::string& op) { return op.substr(0, op.find("::")); }

/// Operator that an entry of a manifest is about.
std::string entry_op(const Provided& p) { return p.kind == "operator" ? p.id : p.json.value("op", ""); }

}  // namespace

std::string supplier_of(const Registry& r, const Leftover& l) {
  std::set<std::string> same_op, same_domain;
  for (const auto& m : r.manifests())
    for (const auto& p : m->provides) {
      if (p.kind != "lowering" && p.kind != "operator") continue;
      std::string op = entry_op(p);
      if (op == l.op) same_op.insert(fmt::format("plugin {} has it from version {} on", m->id, p.json.value("since", 1)));
      if (domain_of(op) == domain_of(l.op)) same_domain.insert(m->id);
    }
  std::string s;
  for (const auto& x : same_op) s += (s.empty() ? "" : "; ") + x;
  if (!s.empty()) return s;
  for (const auto& x : same_domain) s += (s.empty() ? "" : ", ") + x;
  return s.empty() ? "no plugin found knows " + domain_of(l.op) : "other operators of " + domain_of(l.op) + " come from plugin " + s;
}

Json leftover_json(const Registry& r, const Leftover& l) {
  return {{"operator", l.op}, {"version", l.version}, {"count", l.count}, {"nodes", l.nodes}, {"reason", l.reason}, {"supplier", supplier_of(r, l)}};
}

Error missing_error(const Registry& r, const std::vector<Leftover>& all) {
  uint64_t nodes = 0;
  for (const auto& l : all) nodes += l.count;
  Error e(TENON_E_UNSUPPORTED, fmt::format("the graph cannot run: {} {} of {} {} nobody can execute", nodes, nodes == 1 ? "node" : "nodes", all.size(), all.size() == 1 ? "operator that" : "operators that"));
  for (const auto& l : all) {
    Error cause(TENON_E_UNSUPPORTED, fmt::format("{} version {}, {} {}: {}", l.op, l.version, l.count, l.count == 1 ? "node" : "nodes", l.reason));
    cause.with("operator", l.op).with("node", first_names(l)).with("hint", supplier_of(r, l));
    e.causes.push_back(std::move(cause));
  }
  return e;
}

Status require_operators(Session& s, const Model& m) {
  auto all = missing_operators(s, m);
  return all.empty() ? Status() : fail(missing_error(s.registry, all));
}

}  // namespace tenon::core
