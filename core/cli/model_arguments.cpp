// SPDX-License-Identifier: Apache-2.0
#include "model_arguments.hpp"

#include <filesystem>

#include "../pipeline/schema.hpp"

namespace tenon::core::cli {
namespace {

Result<std::pair<std::string, std::string>> split_pair(const std::string& s, const char* what) {
  size_t at = s.rfind('=');
  if (at == std::string::npos || at == 0 || at + 1 == s.size()) return fail(Error(TENON_E_CONFIG, std::string("not a ") + what).with("found", s).with("expected", what));
  return std::pair{s.substr(0, at), s.substr(at + 1)};
}

bool is_number(const std::string& s) { return !s.empty() && s.size() < 19 && s.find_first_not_of("0123456789") == std::string::npos; }

}  // namespace

void add_import(CLI::App& sub, ImportArguments& a) {
  sub.add_option("MODEL", a.model, "Model file of any format that a plugin reads")->required();
  sub.add_option("--shape", a.shapes, "Shape of an input: NAME=1,3,N")->allow_extra_args(false);
  sub.add_option("--option", a.options, "Option of the import stage: NAME=VALUE")->allow_extra_args(false);
}

void add_pipeline_name(CLI::App& sub, PipelineArgument& a) {
  sub.add_option("--pipeline-name", a.name, "Pipeline of a plugin, a .json file, or \"none\"")->each([&a](const std::string&) { a.given = true; });
}

Result<Json> options_json(const std::vector<std::string>& options) {
  Json j = Json::object();
  for (const auto& s : options) {
    auto pair = split_pair(s, "NAME=VALUE option");
    if (!pair) return fail(std::move(pair.error()));
    Json value = Json::parse(pair->second, nullptr, false);
    j[pair->first] = value.is_discarded() ? Json(pair->second) : value;
  }
  return j;
}

Result<Json> dims_json(const std::vector<std::string>& dims) {
  Json j = Json::object();
  for (const auto& s : dims) {
    auto pair = split_pair(s, "NAME=NUMBER dimension");
    if (!pair) return fail(std::move(pair.error()));
    if (!is_number(pair->second)) return fail(Error(TENON_E_CONFIG, "not a NAME=NUMBER dimension").with("found", s));
    j[pair->first] = std::stoll(pair->second);
  }
  return j;
}

Result<Json> import_json(const ImportArguments& a) {
  Json j{{"import", kAutoFrontend}, {"model", a.model}};
  auto own = options_json(a.options);
  if (!own) return own;
  j.update(*own);
  for (const auto& s : a.shapes) {
    auto pair = split_pair(s, "NAME=1,3,N,... shape");
    if (!pair) return fail(std::move(pair.error()));
    Json dims = Json::array();
    for (const auto& d : CLI::detail::split(pair->second, ',')) dims.push_back(is_number(d) ? Json(std::stoll(d)) : Json(d));
    j["shapes"][pair->first] = dims;
  }
  return j;
}

Result<Json> model_stages(const Registry& r, const ImportArguments& import, const PipelineArgument& pipeline) {
  auto first = import_json(import);
  if (!first) return first;
  Json stages = Json::array({*first});
  const std::string& name = pipeline.name;
  const bool is_file = name.size() > 5 && name.compare(name.size() - 5, 5, ".json") == 0;
  const bool there = !name.empty() && name != "none" && (pipeline.given || is_file || r.find_provided("pipeline", name));
  if (there) stages.push_back(Json{{"pipeline", name}});
  return stages;
}

Config stages_config(Json stages) { return make_config("", std::filesystem::current_path().string(), Json{{"stages", std::move(stages)}}); }

Status run_stages(Run& r, Json stages) {
  auto plan = make_plan(r.session, stages_config(std::move(stages)));
  if (!plan) return fail(std::move(plan.error()));
  return run_plan(r, *plan);
}

Status import_alone(Run& r, const ImportArguments& a) {
  auto import = import_json(a);
  if (!import) return fail(std::move(import.error()));
  return run_stages(r, Json::array({*import}));
}

}  // namespace tenon::core::cli
