// SPDX-License-Identifier: Apache-2.0
// host --pipeline FILE
#include <fmt/format.h>

#include "reports.hpp"

namespace tenon::core::cli {
namespace {

struct Options {
  std::string path;
  RunOptions run;
};

Json plan_json(const Plan& p) {
  Json j{{"ok", true}, {"stages", Json::array()}};
  for (const auto& s : p.stages) j["stages"].push_back(Json{{"kind", s->kind()}, {"name", s->name()}, {"position", s->where}});
  return j;
}

void print_plan(const Common& c, const Registry& r, const Plan& p, const RunOptions& o) {
  if (c.json && o.dry_run) print_line(plan_json(p).dump(2));
  if (c.json) return;
  std::string text = o.explain ? explain(r, p) : "";
  if (!text.empty()) print_line(text.substr(0, text.size() - 1));
  if (o.dry_run && !c.quiet) print_line(fmt::format("the pipeline is right: {} stages, nothing was run", p.stages.size()));
}

Status plan_and_run(const Common& c, Work& work, Run& run, const Config& config, const RunOptions& o) {
  auto own = config_plugins(config);
  if (!own) return fail(std::move(own.error()));
  TENON_TRY(work.discover(std::move(*own)));
  if (config.json.contains("prefer")) work.session.registry.set_prefer(config.json["prefer"]);
  auto plan = make_plan(work.session, config);
  if (!plan) return fail(std::move(plan.error()));
  if (o.explain || o.dry_run) print_plan(c, work.session.registry, *plan, o);
  return o.dry_run ? Status() : run_plan(run, *plan);
}

}  // namespace

Status run_config(const Common& c, const Config& config, const RunOptions& o) {
  Work work(c);
  Run run(work.session);
  run.report.pipeline = config.name.empty() ? "command line" : config.name;
  run.verify_all = o.verify_all;
  run.threads = c.threads;
  run.progress = &work.progress;
  if (!c.json && !c.quiet) run.say = print_line;
  Reports reports(c, &run);
  Status s = plan_and_run(c, work, run, config, o);
  Json report = run.report.json(work.session, s ? nullptr : &s.error());
  if (c.json && !(o.dry_run && s)) print_line(report.dump(2, ' ', false, Json::error_handler_t::replace));
  Status written = reports.write(report);
  return s ? written : s;
}

void add_pipeline(CLI::App& app, Common& c) {
  auto o = std::make_shared<Options>();
  auto* path = app.add_option("-p,--pipeline", o->path, "Pipeline to run, a JSON file")->type_name("FILE");
  app.add_flag("--dry-run", o->run.dry_run, "Check everything, run nothing")->needs(path);
  app.add_flag("--explain", o->run.explain, "Print the plan and what supplies each stage")->needs(path);
  app.add_flag("--verify", o->run.verify_all, "Check the graph's outputs before and after every pass")->needs(path);
  add_reports(app, c, path);
  app.add_flag("--json", c.json, "Print the report as JSON")->needs(path);
  app.add_option("--threads", c.threads, "Threads of backends")->check(CLI::PositiveNumber);
  add_common(app, c);
  app.callback([&app, &c, o] {
    if (!app.get_subcommands().empty()) return;
    if (o->path.empty()) {
      print_line(app.help());
      c.status = fail(TENON_E_CONFIG, "nothing to do: give --pipeline FILE or a command");
      return;
    }
    auto config = read_config(o->path);
    c.status = config ? run_config(c, *config, o->run) : report_failure(c, std::move(config.error()));
  });
}

}  // namespace tenon::core::cli
