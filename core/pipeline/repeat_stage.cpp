// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "../report/cpu_time.hpp"
#include "pass_stage.hpp"

namespace tenon::core {
namespace {

/// Adds one run of a pass to the account of all its rounds.
void add_to_account(Json* account, const std::string& id, const PassOutcome& o, double ms, double cpu) {
  Json& a = (*account)[id];
  if (a.is_null()) a = {{"runs", 0}, {"changed", 0}, {"rewritten", 0}, {"ms", 0.0}, {"cpu-ms", 0.0}};
  a["runs"] = a["runs"].get<int64_t>() + (o.settled ? 0 : 1);
  a["changed"] = a["changed"].get<int64_t>() + (o.changed ? 1 : 0);
  a["rewritten"] = a["rewritten"].get<uint64_t>() + o.rewritten;
  a["ms"] = a["ms"].get<double>() + ms;
  a["cpu-ms"] = a["cpu-ms"].get<double>() + cpu;
  for (const auto& [key, value] : o.metrics) a["metrics"][key] = value + (a.contains("metrics") ? a["metrics"].value(key, 0.0) : 0.0);
  if (!o.verify.is_null()) a["verify"] = o.verify;
}

}  // namespace

std::string RepeatStage::name() const {
  std::string s;
  for (const auto& p : passes_) s += (s.empty() ? "" : ", ") + p->name();
  return s;
}

void RepeatStage::check(PlanCheck& c) const {
  for (const auto& p : passes_) p->check(c);
  if (!verify_.inputs.empty()) c.input_file(verify_.inputs, where);
  if (verify_.on && !tolerance(c.session.registry))
    c.problems.push_back(Error(TENON_E_CONFIG, "the group holds an approximate pass, so \"verify\" needs a tolerance").with("position", where));
}

void RepeatStage::passes(std::vector<std::string>* out) const {
  for (const auto& p : passes_) p->passes(out);
}

void RepeatStage::explain(const Registry& r, const std::string& indent, std::string* out) const {
  *out += fmt::format("{}repeat until unchanged, at most {} rounds:\n", indent, at_most_);
  for (const auto& p : passes_) p->explain(r, indent + "  ", out);
}

std::optional<Tolerance> RepeatStage::tolerance(const Registry& r) const {
  if (verify_.tolerance) return verify_.tolerance;
  Tolerance widest = *class_tolerance("exact");
  for (const auto& p : passes_) {
    auto t = pass_tolerance(r, p->spec());
    if (!t) return std::nullopt;
    if (widest.bits || (!t->bits && t->absolute + t->relative > widest.absolute + widest.relative)) widest = *t;
  }
  return widest;
}

Result<bool> RepeatStage::round(Run& r, Json* account, std::unique_ptr<Model>* before) {
  bool changed = false;
  for (const auto& p : passes_) {
    Stopwatch watch;
    const double cpu_before = cpu_ms();
    auto o = apply_pass(r, p->spec());
    if (!o) return fail(std::move(o.error()));
    add_to_account(account, p->name(), *o, watch.ms(), cpu_ms() - cpu_before);
    if (!*before) *before = std::move(o->before);
    changed = changed || o->changed;
  }
  return changed;
}

Status RepeatStage::verify_all(Run& r, Model& before, StageRecord* record) {
  if (!verify_.on) return {};
  auto t = tolerance(r.session.registry);
  if (!t) return fail(TENON_E_CONFIG, "the group holds an approximate pass, so \"verify\" needs a tolerance");
  r.checker.forget();
  Json found;
  Status s = r.checker.check(r.session, before, *r.model, verify_, *t, &found);
  record->details["verify"] = found;
  return s;
}

Status RepeatStage::run(Run& r, StageRecord* record) {
  std::unique_ptr<Model> before;  // null while nothing has changed
  Json account = Json::object();
  int64_t rounds = 0;
  Result<bool> changed = true;
  while (changed && *changed && rounds < at_most_) {
    changed = round(r, &account, &before);
    ++rounds;
  }
  Status s;
  if (!changed) s = fail(std::move(changed.error()));
  else if (before) s = verify_all(r, *before, record);
  else if (verify_.on) record->details["verify"] = {{"ok", true}, {"unchanged", true}};
  if (!s && !before) return s;
  if (!s) {
    r.observe({"taken back", 0, 0, 0, r.model.get(), before.get()});
    r.model = std::move(before);
    r.checker.forget();
    return s;
  }
  record->details["rounds"] = rounds;
  record->details["unchanged"] = !*changed;
  record->details["passes"] = std::move(account);
  if (*changed) r.session.log({3, "", "repeat", fmt::format("the repeated passes still changed the graph in round {}, the last that \"at-most\" allows", rounds)});
  return {};
}

std::string RepeatStage::summary(const StageRecord& record) const {
  std::string s = fmt::format("{}, {} {}", Stage::summary(record), record.details.value("rounds", 0), record.details.value("rounds", 0) == 1 ? "round" : "rounds");
  const Json passes = record.details.value("passes", Json::object());  // items() only refers to it
  for (const auto& [id, a] : passes.items()) {
    if (a["changed"].get<int64_t>() == 0) continue;
    s += fmt::format("\n  {:<22} {} rewrites, {}", id, a["rewritten"].get<uint64_t>(), time_text(a["ms"]));
    if (a.contains("verify")) s += a["verify"]["ok"] == true ? ", verified" : ", not verified";
  }
  if (record.details.contains("verify")) s += "\n  the group is verified";
  return s;
}

}  // namespace tenon::core
