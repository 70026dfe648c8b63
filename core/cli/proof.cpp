// SPDX-License-Identifier: Apache-2.0
#include "proof.hpp"

namespace tenon::core::cli {
namespace {

Result<Config> config_of(const ProofArguments& a) {
  if (!a.path.empty() == !a.model.empty()) return fail(Error(TENON_E_CONFIG, "give --pipeline FILE, or a model").with("hint", "a model takes the pipeline of --pipeline-name"));
  if (!a.path.empty()) return read_config(a.path);
  auto import = import_json({a.model, a.shapes, a.options});
  if (!import) return fail(std::move(import.error()));
  return stages_config(Json::array({*import, Json{{"pipeline", a.name}}}));
}

Status run_imports(Run& r, const Plan& plan) {
  for (const auto& stage : plan.stages)
    if (stage->kind() == "import") TENON_TRY(run_stage(r, *stage));
  return {};
}

}  // namespace

void add_proof(CLI::App& sub, ProofArguments& a) {
  sub.add_option("MODEL", a.model, "Model file, in place of --pipeline");
  sub.add_option("-p,--pipeline", a.path, "Pipeline that goes wrong, a JSON file")->type_name("FILE");
  sub.add_option("--pipeline-name", a.name, "With MODEL: pipeline of a plugin, or a .json file");
  sub.add_option("--shape", a.shapes, "With MODEL: shape of an input, NAME=1,3,N")->allow_extra_args(false);
  sub.add_option("--option", a.options, "With MODEL: option of the import stage, NAME=VALUE")->allow_extra_args(false);
  sub.add_option("--inputs", a.inputs, ".npz or .npy file; without it those of the pipeline's execution, or made up")->type_name("FILE");
  sub.add_option("--absolute", a.absolute, "Wrong is what differs from the imported model by more than absolute + relative*|y|")->check(CLI::NonNegativeNumber);
  sub.add_option("--relative", a.relative, "The same; without any each pass is held to its class: the same bits, or rounding")->check(CLI::NonNegativeNumber);
  sub.add_option("--backend", a.backend, "What runs the graphs; default: reference kernels");
  sub.add_option("--dim", a.dims, "Size of a symbolic dimension of made-up inputs: NAME=4")->allow_extra_args(false);
  sub.add_option("--seed", a.seed, "Seed of made-up inputs")->check(CLI::NonNegativeNumber);
  sub.add_option("--sets", a.sets, "Number of sets of made-up inputs with ordinary numbers")->check(CLI::PositiveNumber);
  sub.add_flag("--edges", a.edges, "Special numbers, other sizes and no elements also where one run takes seconds");
  sub.add_option("--seconds", a.seconds, "Time for one trial; what takes longer counts as endless")->check(CLI::PositiveNumber);
}

Status open_subject(const Common& c, const ProofArguments& a, Subject* s) {
  auto config = config_of(a);
  if (!config) return fail(std::move(config.error()));
  s->config = std::move(*config);
  auto own = config_plugins(s->config);
  if (!own) return fail(std::move(own.error()));
  s->plugins = *own;
  TENON_TRY(s->work.discover(std::move(*own)));
  for (const auto& f : c.plugin_files) s->plugins.files.push_back(std::filesystem::absolute(f).string());
  for (const auto& f : c.plugin_folders) s->plugins.folders.push_back(std::filesystem::absolute(f).string());
  if (s->config.json.contains("prefer")) s->work.session.registry.set_prefer(s->config.json["prefer"]);
  auto plan = make_plan(s->work.session, s->config);
  if (!plan) return fail(std::move(plan.error()));
  s->plan = std::move(*plan);
  s->run.progress = &s->work.progress;
  return run_imports(s->run, s->plan);
}

Result<ProofOptions> proof_options(const ProofArguments& a, const Plan& plan) {
  ProofOptions o;
  o.seconds = a.seconds;
  o.inputs = a.inputs.empty() ? plan.execution_inputs : a.inputs;
  o.verify.seed = static_cast<uint64_t>(a.seed);
  o.verify.sets = a.sets;
  if (a.edges) o.verify.edges = true;
  o.verify.backend = a.backend;
  o.verify.dims = plan.execution_dims;
  auto dims = dims_json(a.dims);
  if (!dims) return fail(std::move(dims.error()));
  for (const auto& [name, value] : dims->items()) o.verify.dims[name] = value;
  if (a.absolute < 0 && a.relative < 0) return o;
  Tolerance t{std::max(a.absolute, 0.0), std::max(a.relative, 0.0), false, false};
  t.bits = t.absolute == 0 && t.relative == 0;
  o.verify.tolerance = t;
  return o;
}

}  // namespace tenon::core::cli
