// SPDX-License-Identifier: Apache-2.0
// Golden tests of passes: <pass>/<case>.before.txt through the pass gives <case>.after.txt, with the same results where it can be run, and
// the pass leaves that as it is. With TENON_APPROVE=1 in the environment the results are written instead. Options, if any, are in <case>.options.json.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/exec/infer.hpp"
#include "core/ir/text.hpp"
#include "core/pipeline/pass_stage.hpp"
#include "../property/property.hpp"

using namespace tenon::core;
using tenon::test::session;
namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream s;
  s << in.rdbuf();
  return s.str();
}

/// Models that could be run, so that their results were compared.
uint64_t verified = 0;

/// The text of the model after the pass; types are inferred first.
std::string after(std::unique_ptr<Model> model, PassSpec pass, bool* changed) {
  Run run(session());
  run.model = std::move(model);
  auto inferred = infer_graph(session(), *run.model, run.model->main());
  INFO((inferred ? std::string() : to_text(inferred.error())));
  REQUIRE(inferred);
  pass.verify.on = tenon::test::runs(*run.model->clone());
  verified += pass.verify.on;
  auto outcome = apply_pass(run, pass);
  INFO((outcome ? std::string() : to_text(outcome.error())));
  REQUIRE(outcome);
  *changed = outcome->changed;
  PrintOptions full;
  full.full = true;
  return print(*run.model, full);
}

std::unique_ptr<Model> parsed(const std::string& text) {
  auto m = parse(text);
  INFO((m ? std::string() : to_text(m.error())));
  REQUIRE(m);
  return std::move(*m);
}

void check(const fs::path& before) {
  std::string stem = before.string();
  stem.resize(stem.size() - std::string(".before.txt").size());
  PassSpec pass;
  pass.id = before.parent_path().filename().string();
  const fs::path options = stem + ".options.json";
  if (fs::exists(options)) pass.options = Json::parse(read(options));
  bool changed = false;
  const std::string result = after(parsed(read(before)), pass, &changed);
  const fs::path expected = stem + ".after.txt";
  if (std::getenv("TENON_APPROVE")) std::ofstream(expected, std::ios::binary) << result;
  CHECK(result == read(expected));
  const std::string again = after(parsed(result), pass, &changed);
  CHECK(again == result);
  CHECK_FALSE(changed);
}

}  // namespace

TEST_CASE("passes give the expected graphs, and a second run changes nothing") {
  std::vector<fs::path> cases;
  for (const auto& e : fs::recursive_directory_iterator(fs::path(TENON_TEST_FOLDER) / "golden"))
    if (e.path().string().ends_with(".before.txt")) cases.push_back(e.path());
  std::sort(cases.begin(), cases.end());
  REQUIRE_FALSE(cases.empty());
  for (const auto& path : cases) {
    INFO(path.parent_path().filename().string() + "/" + path.filename().string());
    check(path);
  }
  CHECK(verified > cases.size());  // of two runs each
}
