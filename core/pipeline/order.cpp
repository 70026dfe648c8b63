// SPDX-License-Identifier: Apache-2.0
// The order of passes against what their manifests say: "after" (passes, with * as wildcard), "needs", "gives" and "breaks".
#include <algorithm>

#include "pass_stage.hpp"

namespace tenon::core {
namespace {

bool matches(std::string_view pattern, std::string_view id) {
  if (pattern.empty()) return id.empty();
  if (pattern[0] == '*') return matches(pattern.substr(1), id) || (!id.empty() && matches(pattern, id.substr(1)));
  return !id.empty() && pattern[0] == id[0] && matches(pattern.substr(1), id.substr(1));
}

std::vector<std::string> list(const Json& j, const char* key) {
  std::vector<std::string> r;
  if (!j.contains(key)) return r;
  if (j[key].is_string()) r.push_back(j[key]);
  if (j[key].is_array())
    for (const auto& x : j[key])
      if (x.is_string()) r.push_back(x);
  return r;
}

std::string givers(const Registry& r, const std::string& fact) {
  std::string s;
  for (const auto& [m, p] : r.provided("pass")) {
    auto gives = list(p->json, "gives");
    if (std::find(gives.begin(), gives.end(), fact) != gives.end()) s += (s.empty() ? "" : ", ") + p->id;
  }
  return s.empty() ? "no pass found gives it" : "given by: " + s;
}

bool later(const OrderCheck& o, const std::string& pattern, const std::string& self) {
  auto fits = [&](const std::string& id) { return id != self && matches(pattern, id); };
  return std::none_of(o.done.begin(), o.done.end(), fits) && std::any_of(o.all.begin(), o.all.end(), fits);
}

}  // namespace

void PassStage::order(OrderCheck* o) const {
  const Provided* p = o->registry.find_provided("pass", pass_.id);
  if (!p) return;
  for (const auto& pattern : list(p->json, "after"))
    if (later(*o, pattern, pass_.id))
      o->problems.push_back(Error(TENON_E_CONFIG, "pass \"" + pass_.id + "\" must come after \"" + pattern + "\"").with("position", where));
  for (const auto& fact : list(p->json, "needs"))
    if (!o->facts.count(fact))
      o->problems.push_back(Error(TENON_E_CONFIG, "pass \"" + pass_.id + "\" needs \"" + fact + "\", which does not hold here").with("position", where).with("hint", givers(o->registry, fact)));
  for (const auto& fact : list(p->json, "breaks")) o->facts.erase(fact);
  for (const auto& fact : list(p->json, "gives")) o->facts.insert(fact);
  o->done.insert(pass_.id);
}

void RepeatStage::order(OrderCheck* o) const {
  // In a later round every pass of the group has run before every other.
  for (const auto& p : passes_) o->done.insert(p->name());
  for (const auto& p : passes_) p->order(o);
}

}  // namespace tenon::core
