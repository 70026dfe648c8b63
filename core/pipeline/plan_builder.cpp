// SPDX-License-Identifier: Apache-2.0
#include "plan_builder.hpp"

#include <algorithm>
#include <filesystem>

#include "../report/nearest.hpp"
#include "execute_stage.hpp"
#include "export_stage.hpp"
#include "import_stage.hpp"
#include "options_schema.hpp"
#include "schema.hpp"

namespace tenon::core {
namespace {

constexpr size_t kMostIncludes = 16;

std::string kind_of(const Json& j) {
  for (const auto& k : stage_kinds())
    if (j.contains(k)) return k;
  return {};
}

bool is_path(const std::string& id) { return id.size() > 5 && id.compare(id.size() - 5, 5, ".json") == 0; }

}  // namespace

std::vector<Error> schema_errors(const Config& c, const Json& schema, const Json& value, const std::string& pointer) {
  auto found = check_value(schema, value);
  if (!found) return {std::move(found.error()).with("position", c.where(pointer))};
  std::vector<Error> errors;
  for (auto& p : *found) {
    Error e = c.error(pointer + p.pointer, std::move(p.message), p.key);
    if (!p.expected.empty()) e.with("expected", std::move(p.expected));
    if (!p.found.empty()) e.with("found", std::move(p.found));
    if (!p.hint.empty()) e.with("hint", std::move(p.hint));
    errors.push_back(std::move(e));
  }
  return errors;
}

bool PlanBuilder::fits(const Config& c, const Json& schema, const Json& value, const std::string& pointer) {
  auto errors = schema_errors(c, schema, value, pointer);
  for (auto& e : errors) problems.push_back(std::move(e));
  return errors.empty();
}

bool PlanBuilder::known(const Config& c, std::string_view kind, const std::string& id, std::vector<std::string> native, const std::string& pointer) {
  if (registry_.find_provided(kind, id) || std::find(native.begin(), native.end(), id) != native.end()) return true;
  for (auto& x : registry_.ids(kind)) native.push_back(std::move(x));
  Error e = c.error(pointer, "there is no " + std::string(kind) + " \"" + id + "\"").with("hint", native.empty() ? "no plugin found brings a " + std::string(kind) : nearest_hint(id, native));
  problems.push_back(std::move(e));
  return false;
}

VerifyOptions PlanBuilder::verify_of(const Config& c, const Json& j) const {
  if (!j.contains("verify")) return group_verify_;
  return verify_options(j, [&](const std::string& p) { return c.resolve(p); });
}

void PlanBuilder::add(std::unique_ptr<Stage> s, const Config& c, const std::string& pointer) {
  s->where = c.where(pointer);
  plan.stages.push_back(std::move(s));
}

void PlanBuilder::build(const Config& c, const Json& stages, const std::string& pointer) {
  if (!stages.is_array()) {
    problems.push_back(c.error(pointer, "\"stages\" must be a list"));
    return;
  }
  for (size_t i = 0; i < stages.size(); ++i) stage(c, stages[i], pointer + '/' + std::to_string(i));
}

void PlanBuilder::stage(const Config& c, const Json& j, const std::string& pointer) {
  if (j.is_string() || (j.is_object() && kind_of(j) == "pass")) {
    if (auto p = pass_stage(c, j, pointer)) add(std::move(p), c, pointer);
    return;
  }
  std::string kind = j.is_object() ? kind_of(j) : "";
  if (kind.empty()) {
    Error e = c.error(pointer, "this is no stage");
    std::string near;
    if (j.is_object())
      for (const auto& item : j.items())
        if (near.empty()) near = nearest_word(item.key(), stage_kinds());
    problems.push_back(std::move(e).with("expected", "a pass, or an object with one of import, pass, repeat, pipeline, export, execute").with("hint", near.empty() ? "the key says what the stage does" : "did you mean \"" + near + "\"?"));
    return;
  }
  bool names = kind == "repeat" ? j[kind].is_array() : kind == "execute" ? j[kind].is_string() || j[kind].is_array() : j[kind].is_string();
  if (!names) {
    problems.push_back(c.error(pointer + '/' + kind, "\"" + kind + "\" has a value of the wrong kind").with("expected", kind == "repeat" ? "a list of passes" : "a name").with("found", j[kind].dump()));
    return;
  }
  if (kind == "import") import_stage(c, j, pointer);
  if (kind == "export") export_stage(c, j, pointer);
  if (kind == "execute") execute_stage(c, j, pointer);
  if (kind == "repeat") repeat_stage(c, j, pointer);
  if (kind == "pipeline") include(c, j, pointer);
}

void PlanBuilder::import_stage(const Config& c, const Json& j, const std::string& pointer) {
  std::string id = j["import"];
  if (!known(c, "frontend", id, {kAutoFrontend, kNativeFormat}, pointer + "/import")) return;
  if (fits(c, import_schema(registry_, id), j, pointer)) add(std::make_unique<ImportStage>(registry_, c, j), c, pointer);
}

void PlanBuilder::export_stage(const Config& c, const Json& j, const std::string& pointer) {
  std::string id = j["export"];
  if (!known(c, "exporter", id, {kNativeFormat}, pointer + "/export")) return;
  if (fits(c, export_schema(registry_, id), j, pointer)) add(std::make_unique<ExportStage>(registry_, c, j), c, pointer);
}

void PlanBuilder::execute_stage(const Config& c, const Json& j, const std::string& pointer) {
  std::vector<std::string> ids;
  if (j["execute"].is_string()) ids.push_back(j["execute"]);
  if (j["execute"].is_array())
    for (const auto& x : j["execute"]) ids.push_back(x.is_string() ? x.get<std::string>() : x.dump());
  bool all = true;
  for (const auto& id : ids) all = known(c, "backend", id, {kReferenceBackend}, pointer + "/execute") && all;
  if (!all || !fits(c, execute_schema(registry_, ids), j, pointer)) return;
  auto s = std::make_unique<ExecuteStage>(c, j);
  if (plan.execution_inputs.empty()) plan.execution_inputs = s->inputs_path();
  if (plan.execution_dims.empty()) plan.execution_dims = s->dims();
  add(std::move(s), c, pointer);
}

std::unique_ptr<PassStage> PlanBuilder::pass_stage(const Config& c, const Json& j, const std::string& pointer) {
  Json full = j.is_string() ? Json{{"pass", j}} : j;
  std::string at = j.is_string() ? pointer : pointer + "/pass";
  std::string id = full["pass"].is_string() ? full["pass"].get<std::string>() : full["pass"].dump();
  if (!known(c, "pass", id, {}, at) || !fits(c, pass_schema(registry_, id), full, pointer)) return nullptr;
  PassSpec spec{id, full.value("options", Json::object()), verify_of(c, full)};
  Json schema = options_of(registry_, "pass", id);
  for (auto& [key, value] : spec.options.items())
    if (is_path_option(schema, key) && value.is_string()) value = c.resolve(value);
  fill_defaults(schema, &spec.options);
  auto s = std::make_unique<PassStage>(std::move(spec));
  s->where = c.where(pointer);
  return s;
}

void PlanBuilder::repeat_stage(const Config& c, const Json& j, const std::string& pointer) {
  bool good = fits(c, repeat_schema(), j, pointer);
  std::vector<std::unique_ptr<PassStage>> passes;
  for (size_t i = 0; i < j["repeat"].size(); ++i) {
    const Json& item = j["repeat"][i];
    std::string at = pointer + "/repeat/" + std::to_string(i);
    if (!item.is_string() && !(item.is_object() && item.contains("pass"))) {
      problems.push_back(c.error(at, "only passes can be repeated").with("expected", "the name of a pass, or {\"pass\": ...}").with("found", item.dump()));
      continue;
    }
    if (auto p = pass_stage(c, item, at)) passes.push_back(std::move(p));
  }
  if (good && passes.size() == j["repeat"].size()) add(std::make_unique<RepeatStage>(std::move(passes), j.value("at-most", int64_t{8}), verify_of(c, j)), c, pointer);
}

void PlanBuilder::include(const Config& c, const Json& j, const std::string& pointer) {
  if (!fits(c, include_schema(), j, pointer)) return;
  std::string id = j["pipeline"];
  VerifyOptions around = group_verify_;
  group_verify_ = verify_of(c, j);
  if (is_path(id)) {
    auto inner = read_config(c.resolve(id));
    if (inner)
      include_config(*inner, c.resolve(id), c.error(pointer, "the pipeline includes itself"));
    else
      problems.push_back(std::move(inner.error()).with("position", c.where(pointer)));
  } else if (known(c, "pipeline", id, {}, pointer + "/pipeline")) {
    const Provided* p = registry_.find_provided("pipeline", id);
    const Manifest* owner = registry_.owner("pipeline", id);
    std::string folder = owner ? std::filesystem::path(owner->path).parent_path().string() : c.folder;
    Json inner{{"stages", p->json.value("stages", Json::array())}};
    include_config(make_config("pipeline " + id + " of plugin " + (owner ? owner->id : "?"), folder, std::move(inner)), id, c.error(pointer, "the pipeline includes itself"));
  }
  group_verify_ = around;
}

void PlanBuilder::include_config(const Config& inner, const std::string& name, const Error& cycle) {
  bool again = std::find(including_.begin(), including_.end(), name) != including_.end();
  if (again || including_.size() >= kMostIncludes) {
    problems.push_back(cycle);
    return;
  }
  including_.push_back(name);
  if (fits(inner, top_schema(), inner.json, "")) {
    if (inner.json.contains("plugins") || inner.json.contains("prefer")) problems.push_back(inner.error("", "only the pipeline that is run may say \"plugins\" or \"prefer\""));
    build(inner, inner.json["stages"], "/stages");
  }
  including_.pop_back();
}

}  // namespace tenon::core
