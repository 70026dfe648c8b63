// SPDX-License-Identifier: Apache-2.0
// plan_builder.hpp - stages from JSON.
#pragma once
#include "pass_stage.hpp"
#include "plan.hpp"

namespace tenon::core {

/// Gathers problems instead of stopping at the first.
class PlanBuilder {
 public:
  explicit PlanBuilder(Session& s) : session_(s), registry_(s.registry) {}
  void build(const Config& c, const Json& stages, const std::string& pointer);
  Plan plan;
  std::vector<Error> problems;

 private:
  Session& session_;
  Registry& registry_;
  std::vector<std::string> including_;  ///< pipelines that are being included, against cycles
  VerifyOptions group_verify_;          ///< "verify" of the include around

  void stage(const Config& c, const Json& j, const std::string& pointer);
  void import_stage(const Config& c, const Json& j, const std::string& pointer);
  void export_stage(const Config& c, const Json& j, const std::string& pointer);
  void execute_stage(const Config& c, const Json& j, const std::string& pointer);
  void repeat_stage(const Config& c, const Json& j, const std::string& pointer);
  void include(const Config& c, const Json& j, const std::string& pointer);
  void include_config(const Config& inner, const std::string& name, const Error& cycle);
  std::unique_ptr<PassStage> pass_stage(const Config& c, const Json& j, const std::string& pointer);

  void add(std::unique_ptr<Stage> s, const Config& c, const std::string& pointer);
  /// Adds the problems; true when there are none.
  bool fits(const Config& c, const Json& schema, const Json& value, const std::string& pointer);
  bool known(const Config& c, std::string_view kind, const std::string& id, std::vector<std::string> native, const std::string& pointer);
  VerifyOptions verify_of(const Config& c, const Json& j) const;
};

/// Problems of a value as errors with positions.
std::vector<Error> schema_errors(const Config& c, const Json& schema, const Json& value, const std::string& pointer);

}  // namespace tenon::core
