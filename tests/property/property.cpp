// SPDX-License-Identifier: Apache-2.0
#include "property.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>

#include "core/pipeline/inputs.hpp"
#include "core/pipeline/options_schema.hpp"
#include "core/pipeline/verify_stage.hpp"

namespace tenon::test {

using namespace core;

Session& session() {
  static Session s;
  static const bool loaded = [] {
    auto found = s.registry.discover({{}, {TENON_TEST_PLUGINS}, false});
    INFO((found ? std::string() : to_text(found.error())));
    REQUIRE(found);
    return true;
  }();
  (void)loaded;
  return s;
}

std::vector<std::string> passes() {
  std::vector<std::string> r;
  for (const auto& id : session().registry.ids("pass")) {
    PassSpec p;
    p.id = id;
    if (pass_tolerance(session().registry, p)) r.push_back(id);
  }
  return r;
}

std::string standard_plugin() {
  const auto pipelines = session().registry.provided("pipeline");
  REQUIRE_FALSE(pipelines.empty());
  return pipelines.front().first->id;
}

Json default_options(const std::string& pass) {
  Json options = Json::object();
  const Json about = session().registry.find_provided("pass", pass)->json;
  if (about.contains("options")) fill_defaults(about["options"], &options);
  return options;
}

bool runs(Model& m) {
  auto inputs = made_inputs(m, 1, {});
  return inputs && run_graph(session(), m, "reference", TensorSet(std::move(*inputs)), 1);
}

uint64_t number_from(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace tenon::test
