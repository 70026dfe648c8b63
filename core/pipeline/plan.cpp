// SPDX-License-Identifier: Apache-2.0
#include "plan.hpp"

#include <filesystem>

#include "plan_builder.hpp"
#include "schema.hpp"

namespace tenon::core {
namespace {

/// What holds after every stage, because the host sees to it.
const std::set<std::string> kHostFacts = {"types", "shapes", "topo", "verified"};

void check_order(const Registry& r, const Plan& p, std::vector<Error>* problems) {
  OrderCheck o{r, kHostFacts, {}, {}, {}};
  std::vector<std::string> all;
  for (const auto& s : p.stages) s->passes(&all);
  o.all.insert(all.begin(), all.end());
  for (const auto& s : p.stages) s->order(&o);
  for (auto& e : o.problems) problems->push_back(std::move(e));
}

void check_import_first(const Config& c, const Plan& p, std::vector<Error>* problems) {
  if (p.stages.empty()) return;
  if (p.stages.front()->kind() == "import") return;
  problems->push_back(c.error("/stages", "the first stage must import a model").with("found", p.stages.front()->kind() + ' ' + p.stages.front()->name()));
}

}  // namespace

Result<Discovery> config_plugins(const Config& c) {
  auto errors = schema_errors(c, top_schema(), c.json, "");
  if (!errors.empty()) return fail(gathered(std::move(errors), "pipeline"));
  Discovery d;
  if (!c.json.contains("plugins")) return d;
  const Json& plugins = c.json["plugins"];
  const Json list = plugins.is_array() ? plugins : plugins.value("path", Json::array());
  std::string at = plugins.is_array() ? "/plugins" : "/plugins/path";
  for (size_t i = 0; i < list.size(); ++i) {
    std::string path = c.resolve(list[i]);
    std::error_code ec;
    if (std::filesystem::is_directory(path, ec))
      d.folders.push_back(path);
    else if (std::filesystem::is_regular_file(path, ec))
      d.files.push_back(path);
    else
      errors.push_back(c.error(at + '/' + std::to_string(i), "the folder with plugins does not exist").with("file", path));
  }
  if (!errors.empty()) return fail(gathered(std::move(errors), "pipeline"));
  return d;
}

Result<Plan> make_plan(Session& s, const Config& c) {
  PlanBuilder b(s);
  for (auto& e : schema_errors(c, top_schema(), c.json, "")) b.problems.push_back(std::move(e));
  if (!b.problems.empty()) return fail(gathered(std::move(b.problems), "pipeline"));
  b.build(c, c.json["stages"], "/stages");
  b.plan.threads = c.json.value("threads", int64_t{0});
  if (b.problems.empty()) check_import_first(c, b.plan, &b.problems);
  check_order(s.registry, b.plan, &b.problems);
  PlanCheck check{s, {}, {}};
  for (const auto& stage : b.plan.stages) stage->check(check);
  for (auto& e : check.problems) b.problems.push_back(std::move(e));
  if (!b.problems.empty()) return fail(gathered(std::move(b.problems), "pipeline"));
  return std::move(b.plan);
}

std::string explain(const Registry& r, const Plan& p) {
  std::string out;
  for (const auto& s : p.stages) s->explain(r, "", &out);
  return out;
}

}  // namespace tenon::core
