// SPDX-License-Identifier: Apache-2.0
// host check MODEL
#include <fmt/format.h>

#include "../pipeline/missing.hpp"
#include "model_arguments.hpp"

namespace tenon::core::cli {
namespace {

struct Options {
  ImportArguments import;
};

Status check_model(const Common& c, const Options& o) {
  Work work(c);
  TENON_TRY(work.discover());
  Run run(work.session);
  run.progress = &work.progress;
  TENON_TRY(import_alone(run, o.import));
  auto missing = missing_operators(work.session, *run.model);
  // Why an operator was not lowered is known from the import only.
  for (auto& m : missing)
    for (const auto& l : run.leftovers)
      if (l.op == m.op && l.version == m.version) m.reason = l.reason;
  Json j{{"model", o.import.model}, {"runs", missing.empty()}, {"nodes", run.model->n_nodes()}, {"missing", Json::array()}};
  for (const auto& m : missing) j["missing"].push_back(leftover_json(work.session.registry, m));
  if (c.json) print_line(j.dump(2, ' ', false, Json::error_handler_t::replace));
  if (!missing.empty()) return fail(missing_error(work.session.registry, missing));
  if (!c.json) print_line(fmt::format("{}: all {} nodes can run", o.import.model, run.model->n_nodes()));
  return {};
}

}  // namespace

void add_check(CLI::App& app, Common& c) {
  auto o = std::make_shared<Options>();
  auto* sub = app.add_subcommand("check", "Which operators of a model nobody can lower or execute");
  add_import(*sub, o->import);
  sub->add_flag("--json", c.json, "Print as JSON");
  add_common(*sub, c);
  sub->callback([&c, o] { c.status = check_model(c, *o); });
}

}  // namespace tenon::core::cli
