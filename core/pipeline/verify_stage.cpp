// SPDX-License-Identifier: Apache-2.0
#include "verify_stage.hpp"

#include <fmt/format.h>

#include "config.hpp"
#include "schema.hpp"

namespace tenon::core {

VerifyOptions verify_options(const Json& stage, const std::function<std::string(const std::string&)>& resolve) {
  VerifyOptions o;
  if (!stage.contains("verify")) return o;
  const Json& v = stage["verify"];
  o.on = !v.is_boolean() || v.get<bool>();
  if (!v.is_object()) return o;
  if (v.contains("tolerance")) o.tolerance = tolerance_from(v["tolerance"]);
  if (v.contains("inputs")) o.inputs = resolve(v["inputs"]);
  o.seed = v.value("seed", uint64_t{0});
  o.sets = v.value("sets", int64_t{1});
  if (v.contains("edges")) o.edges = v["edges"].get<bool>();
  o.backend = v.value("backend", "");
  const Json dims = v.value("dims", Json::object());  // items() only refers to it
  for (const auto& [name, value] : dims.items()) o.dims[name] = value;
  return o;
}

std::optional<Tolerance> class_tolerance(std::string_view pass_class) {
  if (pass_class == "approximate") return std::nullopt;
  if (pass_class == "reassociating") return Tolerance{1e-5, 1e-4, true, false};
  Tolerance exact;
  exact.bits = true;
  return exact;
}

void GraphChecker::forget() {
  for (auto& set : sets_.sets) set.outputs.reset();
}

Status GraphChecker::prepare(Session& s, Model& before, const VerifyOptions& o, bool exact) {
  const std::string file = o.inputs.empty() ? default_inputs : o.inputs;
  VerifyOptions own = o;
  if (own.dims.empty()) own.dims = default_dims;
  std::string key = fmt::format("{}|{}|{}|{}|{}|{}", file, o.seed, o.sets, o.edges ? static_cast<int>(*o.edges) : 2, o.backend, Json(own.dims).dump());
  for (tenon_value v : before.main().inputs) key += fmt::format("|{}: {}", before.value_name(v), value_type_text(before, v));
  // Sets for exact passes come on top of the others, so sets that include them serve both.
  if (key_ == key + "|exact" || (!exact && key_ == key)) return {};
  key_.clear();
  TENON_TRY(sets_.prepare(s, before, own, file, exact, run_graph));
  key_ = key + (exact ? "|exact" : "");
  return {};
}

Status GraphChecker::compare_set(Session& s, Model& before, Model& after, const VerifyOptions& o, const Tolerance& t, InputSet* set, SetComparison* found) {
  const std::string backend = o.backend.empty() ? kReferenceBackend : o.backend;
  if (!set->outputs) {
    auto first = run_graph(s, before, backend, set->inputs, sets_.runs);
    if (!first && set->exact_only) return {};  // an earlier stage left values undefined that this set needs
    if (!first) return fail(std::move(first.error()));
    set->outputs = std::move(*first);
  }
  auto second = run_graph(s, after, backend, set->inputs, sets_.runs);
  if (!second && (second.error().code == TENON_E_CANCELLED || second.error().code == TENON_E_NO_MEMORY)) return fail(std::move(second.error()));
  if (!second) {
    Error e = Error(TENON_E_MISMATCH, "the graph runs before the stage but not after it").with("inputs", set->name);
    e.causes.push_back(std::move(second.error()));
    found->misses.push_back(std::move(e));
    return {};
  }
  compare_outputs(*second, *set, after.main().output_names, t, found);
  set->outputs = std::move(*second);
  return {};
}

Status GraphChecker::check(Session& s, Model& before, Model& after, const VerifyOptions& o, const Tolerance& t, Json* report) {
  if (auto ready = prepare(s, before, o, t.bits); !ready) return fail(std::move(ready.error()).with("stage", "verify"));
  SetComparison found;
  Json names = Json::array();
  for (auto& set : sets_.sets) {
    if (set.exact_only && !t.bits) {
      set.outputs.reset();
      continue;
    }
    names.push_back(set.name);
    TENON_TRY(compare_set(s, before, after, o, t, &set, &found));
  }
  *report = Json{{"ok", found.misses.empty()}, {"tolerance", t.text()}, {"inputs", names[0]}, {"sets", names}, {"outputs", found.outputs}};
  if (!sets_.notes.empty()) (*report)["notes"] = sets_.notes;
  if (!found.any && found.misses.empty()) (*report)["ok"] = nullptr, (*report)["skipped"] = "every output is random";
  if (found.misses.empty()) return {};
  forget();
  return fail(gathered(std::move(found.misses), "stage's result"));
}

}  // namespace tenon::core
