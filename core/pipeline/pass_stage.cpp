// SPDX-License-Identifier: Apache-2.0
#include "pass_stage.hpp"

#include <fmt/format.h>

#include "../exec/infer.hpp"
#include "../ir/verifier.hpp"
#include "blame.hpp"

namespace tenon::core {
namespace {

Status run_pass(Run& r, const PassSpec& p, PassOutcome* o) {
  auto pass = r.session.registry.pass(p.id);
  if (!pass) return fail(std::move(pass.error()));
  if (!TENON_DESC_HAS(*pass, run)) return fail(TENON_E_ABI, "pass \"" + p.id + "\" has no run function");
  tenon_ctx ctx = make_ctx(r.session, *pass, p.id, p.options);
  tenon_pass_result result{};
  result.struct_size = sizeof result;
  uint64_t epoch = r.model->epoch;
  TENON_TRY(take((*pass)->run(&ctx, &r.model->main(), &result)));
  o->changed = r.model->epoch != epoch;
  o->matched = result.matched;
  o->rewritten = result.rewritten;
  o->metrics = std::move(ctx.metrics);
  if (!o->changed) return {};
  TENON_TRY(infer_changes(r.session, *r.model));
  return verify_changes(r.session, *r.model);
}

/// A pass gives the same for the same graph, so what it left as it was it need not see again.
bool is_settled(const Run& r, const std::string& key) {
  const auto it = r.model->settled.find(key);
  return it != r.model->settled.end() && it->second == r.model->epochs();
}

Status verify_pass(Run& r, Model& before, const PassSpec& p, PassOutcome* o) {
  if (!o->changed) return {};
  if (!p.verify.on && !r.verify_all) {
    r.checker.forget();
    return {};
  }
  auto tolerance = pass_tolerance(r.session.registry, p);
  if (tolerance) return r.checker.check(r.session, before, *r.model, p.verify, *tolerance, &o->verify);
  r.checker.forget();
  o->verify = {{"ok", nullptr}, {"skipped", "the pass is approximate and no tolerance is given"}};
  return {};
}

/// Where the pass is to blame, what finds out more.
Error with_next_step(Error e) {
  const bool blames = e.code != TENON_E_CANCELLED && e.code != TENON_E_NO_MEMORY && e.code != TENON_E_CONFIG && e.code != TENON_E_IO && e.detail("stage") != "verify";
  if (blames) e.with("hint", "`host bisect` names the first rewrite that goes wrong, `host reduce` cuts the model down to what shows it; both take the same pipeline");
  return e;
}

}  // namespace

std::optional<Tolerance> pass_tolerance(const Registry& r, const PassSpec& p) {
  if (p.verify.tolerance) return p.verify.tolerance;
  const Provided* e = r.find_provided("pass", p.id);
  if (e && e->json.contains("tolerance")) return tolerance_from(e->json["tolerance"]);
  return class_tolerance(e ? e->json.value("class", "exact") : "exact");
}

Result<PassOutcome> apply_pass(Run& r, const PassSpec& p) {
  PassOutcome o;
  const std::string key = p.id + p.options.dump();
  if ((o.settled = is_settled(r, key))) return o;
  r.model->remember();
  Stopwatch watch;
  Status s = run_pass(r, p, &o);
  const double ms = watch.ms();
  if (s && r.session.cancelled) s = fail(TENON_E_CANCELLED, "cancelled");
  o.before = r.model->recall();
  if (!s && o.before) s = fail(blamed_on_pass(std::move(s.error()), *r.model, *o.before));
  if (s && o.before) s = verify_pass(r, *o.before, p, &o);
  const bool same = !o.before || r.model->epochs() == o.before->epochs();
  if (s && same) r.model->settled[key] = r.model->epochs();
  if (s && !same) r.observe({p.id, 0, ms, o.rewritten, o.before.get(), r.model.get()});
  if (s) return o;
  if (o.before) r.model = std::move(o.before);
  r.checker.forget();
  return fail(at_stage(with_next_step(std::move(s.error())), r.session.registry, "pass", p.id));
}

void PassStage::check(PlanCheck& c) const {
  if (!pass_.verify.inputs.empty()) c.input_file(pass_.verify.inputs, where);
  if (pass_.verify.on && !pass_tolerance(c.session.registry, pass_))
    c.problems.push_back(Error(TENON_E_CONFIG, "pass \"" + pass_.id + "\" is approximate, so \"verify\" needs a tolerance").with("position", where).with("hint", "\"verify\": {\"tolerance\": 0.05}"));
}

void PassStage::explain(const Registry& r, const std::string& indent, std::string* out) const {
  *out += fmt::format("{}pass {} from {}\n", indent, pass_.id, supplier_text(r, "pass", pass_.id));
  const Provided* p = r.find_provided("pass", pass_.id);
  if (!p) return;
  for (const char* key : {"summary", "class", "after", "needs", "gives", "breaks"})
    if (p->json.contains(key)) *out += fmt::format("{}  {}: {}\n", indent, key, p->json[key].is_string() ? p->json[key].get<std::string>() : p->json[key].dump());
  if (!pass_.options.empty()) *out += fmt::format("{}  options: {}\n", indent, pass_.options.dump());
}

Status PassStage::run(Run& r, StageRecord* record) {
  auto o = apply_pass(r, pass_);
  if (!o) return fail(std::move(o.error()));
  record->details["changed"] = o->changed;
  record->details["matched"] = o->matched;
  record->details["rewritten"] = o->rewritten;
  if (!o->metrics.empty()) record->details["metrics"] = o->metrics;
  if (!o->verify.is_null()) record->details["verify"] = o->verify;
  return {};
}

std::string PassStage::summary(const StageRecord& record) const {
  std::string s = Stage::summary(record);
  if (record.details.contains("verify")) s += record.details["verify"]["ok"] == true ? ", verified" : ", not verified";
  return s;
}

}  // namespace tenon::core
