// SPDX-License-Identifier: Apache-2.0
// host convert MODEL -o OUT
#include <filesystem>

#include "../pipeline/schema.hpp"
#include "model_arguments.hpp"
#include "reports.hpp"

namespace tenon::core::cli {
namespace {

struct Options {
  ImportArguments import;
  PipelineArgument pipeline;
  std::string output, format;
  std::vector<std::string> export_options;
  RunOptions run;
};

/// The exporter whose files end like that: each says so in its manifest.
Result<std::string> format_of(const Registry& r, const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  std::string known = std::string(".") + kNativeFormat;
  if (extension == known) return std::string(kNativeFormat);
  for (const auto& id : r.ids("exporter")) {
    const Provided* p = r.find_provided("exporter", id);
    for (const auto& e : p ? p->json.value("extensions", Json::array()) : Json::array()) {
      if (e == extension) return id;
      known += ", " + e.get<std::string>();
    }
  }
  return fail(Error(TENON_E_CONFIG, "no exporter writes files with this ending").with("file", path).with("expected", known).with("hint", "name the format with --to"));
}

/// Which exporters and pipelines there are decides what is done.
Result<Json> stages_json(const Common& c, const Options& o) {
  Work look(c);
  TENON_TRY(look.discover());
  const Registry& registry = look.session.registry;
  auto stages = model_stages(registry, o.import, o.pipeline);
  if (!stages) return stages;
  auto format = o.format.empty() ? format_of(registry, o.output) : Result<std::string>(o.format);
  if (!format) return fail(std::move(format.error()));
  auto options = options_json(o.export_options);
  if (!options) return options;
  stages->push_back(Json{{"export", *format}, {"model", o.output}});
  if (!options->empty()) stages->back()["options"] = *options;
  return stages;
}

Status convert(const Common& c, const Options& o) {
  auto stages = stages_json(c, o);
  if (!stages) return report_failure(c, std::move(stages.error()));
  return run_config(c, stages_config(std::move(*stages)), o.run);
}

}  // namespace

void add_convert(CLI::App& app, Common& c) {
  auto o = std::make_shared<Options>();
  auto* sub = app.add_subcommand("convert", "Import a model, optimize it, and write it in another format");
  add_import(*sub, o->import);
  sub->add_option("-o,--output", o->output, "File to write; its ending chooses the format")->type_name("FILE")->required();
  sub->add_option("--to", o->format, "Format, where the file's ending does not say it");
  sub->add_option("--export-option", o->export_options, "Option of the exporter: NAME=VALUE")->allow_extra_args(false);
  add_pipeline_name(*sub, o->pipeline);
  add_reports(*sub, c);
  sub->add_flag("--json", c.json, "Print the report as JSON");
  sub->add_flag("--verify", o->run.verify_all, "Check the graph's outputs before and after every pass");
  add_common(*sub, c);
  sub->callback([&c, o] { c.status = convert(c, *o); });
}

}  // namespace tenon::core::cli
