// SPDX-License-Identifier: Apache-2.0
// host run MODEL
#include "../pipeline/execute_stage.hpp"
#include "model_arguments.hpp"
#include "reports.hpp"

namespace tenon::core::cli {
namespace {

struct Options {
  std::string inputs, outputs, expect, backend;
  std::vector<std::string> dims;
  ImportArguments import;
  PipelineArgument pipeline;
  double absolute = -1, relative = -1;
  int64_t repeat = 1, seed = 0;
  RunOptions run;
};

Json tolerance_json(const Options& o) {
  Json t = Json::object();
  if (o.absolute >= 0) t["absolute"] = o.absolute;
  if (o.relative >= 0) t["relative"] = o.relative;
  return t;
}

Result<Json> execute_json(const Registry& r, const Options& o) {
  Json j{{"execute", o.backend.empty() ? default_backend(r) : o.backend}, {"repeat", o.repeat}};
  auto dims = dims_json(o.dims);
  if (!dims) return dims;
  if (o.inputs.empty()) j["seed"] = o.seed;
  if (!dims->empty()) j["dims"] = *dims;
  if (!o.inputs.empty()) j["inputs"] = o.inputs;
  if (!o.outputs.empty()) j["outputs"] = o.outputs;
  if (!o.expect.empty()) j["expect"] = o.expect;
  Json t = tolerance_json(o);
  if (!t.empty()) j["tolerance"] = t;
  return j;
}

/// Which pipelines and backends there are decides what is run.
Result<Json> stages_json(const Common& c, const Options& o) {
  Work look(c);
  TENON_TRY(look.discover());
  auto stages = model_stages(look.session.registry, o.import, o.pipeline);
  if (!stages) return stages;
  auto execute = execute_json(look.session.registry, o);
  if (!execute) return execute;
  stages->push_back(*execute);
  return stages;
}

Status run_model(const Common& c, const Options& o) {
  auto stages = stages_json(c, o);
  if (!stages) return report_failure(c, std::move(stages.error()));
  return run_config(c, stages_config(std::move(*stages)), o.run);
}

}  // namespace

void add_run(CLI::App& app, Common& c) {
  auto o = std::make_shared<Options>();
  auto* sub = app.add_subcommand("run", "Import a model, optimize it, and run it");
  add_import(*sub, o->import);
  sub->add_option("--inputs", o->inputs, ".npz or .npy file; without it inputs are made up")->type_name("FILE");
  sub->add_option("--outputs", o->outputs, ".npz file to write")->type_name("FILE");
  sub->add_option("--expect", o->expect, ".npz or .npy file to compare the outputs with")->type_name("FILE");
  sub->add_option("--absolute", o->absolute, "Tolerance: |x-y| <= absolute + relative*|y|")->check(CLI::NonNegativeNumber);
  sub->add_option("--relative", o->relative, "Tolerance; without any: 1e-6 + 1e-3 * largest magnitude")->check(CLI::NonNegativeNumber);
  sub->add_option("--backend", o->backend, "Backend, or \"reference\"");
  add_pipeline_name(*sub, o->pipeline);
  sub->add_option("--dim", o->dims, "Size of a symbolic dimension of made-up inputs: NAME=4")->allow_extra_args(false);
  sub->add_option("--seed", o->seed, "Seed of made-up inputs")->check(CLI::NonNegativeNumber);
  sub->add_option("--repeat", o->repeat, "Number of runs")->check(CLI::PositiveNumber);
  sub->add_option("--threads", c.threads, "Threads of the backend")->check(CLI::PositiveNumber);
  add_reports(*sub, c);
  sub->add_flag("--json", c.json, "Print the report as JSON");
  sub->add_flag("--verify", o->run.verify_all, "Check the graph's outputs before and after every pass");
  add_common(*sub, c);
  sub->callback([&c, o] { c.status = run_model(c, *o); });
}

}  // namespace tenon::core::cli
