// SPDX-License-Identifier: Apache-2.0
// host bisect --pipeline FILE
#include <fmt/format.h>

#include "proof.hpp"

namespace tenon::core::cli {
namespace {

Json found_json(const Bisection& b, const std::optional<Culprit>& c) {
  Json sets = Json::array();
  for (const auto& set : b.inputs().sets) sets.push_back(set.name);
  Json j{{"found", c.has_value()}, {"changes", b.steps().states.size() - 1}, {"graph-runs", b.graph_runs()}, {"inputs", sets}, {"notes", b.inputs().notes}};
  for (const auto& n : b.steps().notes) j["notes"].push_back(n);
  if (c) j["culprit"] = c->json();
  return j;
}

void print_found(const Bisection& b, const std::optional<Culprit>& c) {
  std::string sets;
  for (const auto& set : b.inputs().sets) sets += (sets.empty() ? "" : ", ") + set.name;
  print_line(fmt::format("{} runs of passes changed the graph; compared on: {}; {} runs of graphs", b.steps().states.size() - 1, sets, b.graph_runs()));
  for (const auto& n : b.inputs().notes) print_line("note: " + n);
  for (const auto& n : b.steps().notes) print_line("note: " + n);
  print_line(c ? c->text() : "no pass breaks the model: every one stays within what it may change");
}

Status bisect(const Common& c, const ProofArguments& a) {
  Subject s(c);
  TENON_TRY(open_subject(c, a, &s));
  auto options = proof_options(a, s.plan);
  if (!options) return fail(std::move(options.error()));
  Bisection b(s.work.session, std::move(*options));
  auto found = b.find(s.plan, std::move(s.run.model));
  if (!found) return fail(std::move(found.error()));
  s.work.progress.clear();
  if (c.json) print_line(found_json(b, *found).dump(2, ' ', false, Json::error_handler_t::replace));
  else print_found(b, *found);
  if (!*found) return {};
  Error e(TENON_E_MISMATCH, "pass " + (*found)->step.spec().id + " breaks the model");
  return fail(std::move(e).with("hint", "host reduce, with the same arguments and -o FOLDER, cuts the model down to what shows it"));
}

}  // namespace

void add_bisect(CLI::App& app, Common& c) {
  auto a = std::make_shared<ProofArguments>();
  auto* sub = app.add_subcommand("bisect", "Find the first pass, and the first rewrite in it, that breaks a model");
  add_proof(*sub, *a);
  sub->add_flag("--json", c.json, "Print as JSON");
  add_common(*sub, c);
  sub->callback([&c, a] { c.status = bisect(c, *a); });
}

}  // namespace tenon::core::cli
