// SPDX-License-Identifier: Apache-2.0
// host reduce --pipeline FILE -o FOLDER
#include <fmt/format.h>

#include <filesystem>

#include "../proof/reduce.hpp"
#include "proof.hpp"

namespace tenon::core::cli {
namespace {

struct Options {
  ProofArguments proof;
  std::string folder;
};

Json plugins_json(const Discovery& d) {
  Json j = Json::array();
  for (const auto& f : d.files) j.push_back(f);
  for (const auto& f : d.folders) j.push_back(f);
  return j;
}

std::string how_text(int code) {
  if (code < 0) return "it does not come to an end";
  return code > 128 ? fmt::format("killed by signal {}", code - 128) : fmt::format("exit code {}", code);
}

Json result_json(const Reduced& r, const Culprit& c, const std::string& folder, int code) {
  Json passes = Json::array();
  for (const auto& p : r.passes) passes.push_back(p.id);
  return {{"folder", folder}, {"passes", passes}, {"nodes-before", r.nodes_before}, {"nodes", r.sample.model->n_nodes()}, {"trials", r.trials}, {"exit-code", code}, {"culprit", c.json()}};
}

Status reduce(const Common& c, const Options& o) {
  Subject s(c);
  TENON_TRY(open_subject(c, o.proof, &s));
  auto options = proof_options(o.proof, s.plan);
  if (!options) return fail(std::move(options.error()));
  auto say = [&](const std::string& line) {
    s.work.progress.clear();
    if (!c.json && !c.quiet) print_line(line);
  };
  Bisection b(s.work.session, *options);
  auto found = b.find(s.plan, std::move(s.run.model));
  if (!found) return fail(std::move(found.error()));
  if (!*found) return fail(Error(TENON_E_NOT_FOUND, "no pass breaks the model, so there is nothing to reduce").with("hint", "give the inputs, or the tolerance, that show the failure"));
  const Culprit& culprit = **found;
  say(culprit.text());
  auto reduced = Reducer(s.work.session, *options, say).reduce(b, culprit);
  if (!reduced) return fail(std::move(reduced.error()));
  const std::string subject = o.proof.path.empty() ? o.proof.model : o.proof.path;
  const std::string about = fmt::format("Pass {} goes wrong on this model, which was cut from the run of {}.", reduced->passes.back().id, subject);
  TENON_TRY(write_reproducer(o.folder, *reduced, *options, plugins_json(s.plugins), s.config.json.value("prefer", Json()), about));
  const std::string path = (std::filesystem::path(o.folder) / "pipeline.json").string();
  const int code = run_pipeline_file(path, options->seconds);
  if (c.json) print_line(result_json(*reduced, culprit, o.folder, code).dump(2, ' ', false, Json::error_handler_t::replace));
  else print_line(fmt::format("written to {}: model.tenon ({} nodes, from {}), pipeline.json, inputs.npz, README.txt\nhost --pipeline {} shows it: {}", o.folder, reduced->sample.model->n_nodes(), reduced->nodes_before, path, how_text(code)));
  if (code == 0) return fail(Error(TENON_E_INTERNAL, "the reduced pipeline was written but does not fail when it is run").with("file", path));
  return {};
}

}  // namespace

void add_reduce(CLI::App& app, Common& c) {
  auto o = std::make_shared<Options>();
  auto* sub = app.add_subcommand("reduce", "Cut a model and a pipeline down to the smallest that still goes wrong, and write them");
  add_proof(*sub, o->proof);
  sub->add_option("-o,--output", o->folder, "Folder to write the reproducer to")->type_name("FOLDER")->required();
  sub->add_flag("--json", c.json, "Print as JSON");
  add_common(*sub, c);
  sub->callback([&c, o] { c.status = reduce(c, *o); });
}

}  // namespace tenon::core::cli
