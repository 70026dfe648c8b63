// SPDX-License-Identifier: Apache-2.0
#include "runner.hpp"

#include <fmt/format.h>

#include "../ir/verifier.hpp"
#include "../report/cpu_time.hpp"
#include "../report/memory.hpp"

namespace tenon::core {
namespace {

Status run_checked(Run& r, Stage& stage, StageRecord* record) {
  if (r.session.cancelled) return fail(TENON_E_CANCELLED, "cancelled");
  uint64_t epoch = r.model ? r.model->epoch : 0;
  const Model* model = r.model.get();
  TENON_TRY(stage.run(r, record));
  // Stages that change the graph check it themselves, while they can still take it back.
  bool reads_only = stage.kind() == "execute" || stage.kind() == "export";
  if (reads_only && r.model.get() == model && r.model->epoch != epoch) return verify(r.session, *r.model);
  return {};
}

/// Passes check what they have changed; after the last in a row the whole model is checked.
bool rewrites(const Stage& s) { return s.kind() == "pass" || s.kind() == "repeat"; }

}  // namespace

Status run_stage(Run& r, Stage& stage) {
  StageRecord record;
  record.kind = stage.kind();
  record.name = stage.name();
  record.nodes_before = r.model ? r.model->n_nodes() : 0;
  if (r.progress) r.progress->stage(record.kind + ' ' + record.name);
  reset_peak_memory();
  Stopwatch watch;
  const double cpu_before = cpu_ms();
  Status s = run_checked(r, stage, &record);
  record.ms = watch.ms();
  record.details["cpu-ms"] = cpu_ms() - cpu_before;
  record.peak_bytes = peak_memory();
  record.nodes_after = r.model ? r.model->n_nodes() : 0;
  record.failed = !s;
  if (r.progress) r.progress->clear();
  bool has_result = s || record.details.contains("ms-min");
  if (has_result) r.line(fmt::format("{:<8} {}{}{}", record.kind, record.kind == "repeat" ? "" : record.name, record.kind == "repeat" ? "" : ": ", stage.summary(record)));
  r.report.stages.push_back(std::move(record));
  if (!s && s.error().detail("position").empty()) s.error().with("position", stage.where);
  return s;
}

Status run_plan(Run& r, const Plan& p) {
  if (r.threads == 0) r.threads = p.threads;
  r.checker.default_inputs = p.execution_inputs;
  r.checker.default_dims = p.execution_dims;
  for (size_t k = 0; k < p.stages.size(); ++k) {
    TENON_TRY(run_stage(r, *p.stages[k]));
    const bool last = k + 1 == p.stages.size() || !rewrites(*p.stages[k + 1]);
    if (rewrites(*p.stages[k]) && last) TENON_TRY(verify(r.session, *r.model));
  }
  return {};
}

}  // namespace tenon::core
