// SPDX-License-Identifier: Apache-2.0
// The standard passes in 200 orders over small models: every result is right. An order is any that the passes' manifests allow.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <random>

#include "core/exec/import.hpp"
#include "core/exec/infer.hpp"
#include "core/ir/text.hpp"
#include "core/pipeline/verify_stage.hpp"
#include "property.hpp"
#include "random_model.hpp"

using namespace tenon::core;
using namespace tenon::test;

namespace {

using Order = std::vector<std::string>;

bool allowed(const Order& order) {
  OrderCheck check{session().registry, {}, {}, {order.begin(), order.end()}, {}};
  for (const auto& id : order) {
    PassSpec spec;
    spec.id = id;
    PassStage(spec).order(&check);
  }
  return check.problems.empty();
}

Order shuffled(std::mt19937_64& rng) {
  Order r;
  for (const auto& id : passes())
    if (session().registry.owner("pass", id)->id == standard_plugin()) r.push_back(id);
  do {
    for (size_t k = r.size(); k > 1; --k) std::swap(r[k - 1], r[rng() % k]);
  } while (!allowed(r));
  return r;
}

/// The widest tolerance of the passes.
Tolerance widest(const Order& order) {
  Tolerance w = *class_tolerance("exact");
  for (const auto& id : order) {
    PassSpec spec;
    spec.id = id;
    const auto t = pass_tolerance(session().registry, spec);
    if (w.bits || (!t->bits && t->absolute + t->relative > w.absolute + w.relative)) w = *t;
  }
  return w;
}

std::string text(const Order& order) {
  std::string s;
  for (const auto& id : order) s += (s.empty() ? "" : ", ") + id;
  return s;
}

/// Runs the passes in this order; with `each` every one is checked by itself. Empty when all is right.
std::string problem(Model& model, const Order& order, bool each) {
  Run run(session());
  run.model = model.clone();
  for (const auto& id : order) {
    PassSpec spec;
    spec.id = id;
    spec.options = default_options(id);
    spec.verify.on = each;
    auto o = apply_pass(run, spec);
    if (!o) return id + ": " + to_text(o.error());
  }
  Json report;
  GraphChecker checker;
  auto same = checker.check(session(), model, *run.model, {}, widest(order), &report);
  return same ? std::string() : to_text(same.error());
}

struct Small {
  std::string name;
  std::unique_ptr<Model> model;
};

/// Models of the repository that the frontends at hand read, and random ones.
std::vector<Small> small_models() {
  std::vector<Small> r;
  std::vector<std::filesystem::path> files;
  for (const auto& e : std::filesystem::directory_iterator(std::filesystem::path(TENON_TEST_FOLDER) / "models"))
    if (e.path().extension() == ".onnx") files.push_back(e.path());
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    auto id = frontend_of(session(), path.string());
    if (!id) continue;
    ImportRequest request;
    request.model = path.string();
    request.frontend = *id;
    auto imported = import_model(session(), request);
    if (!imported || !imported->leftovers.empty()) continue;
    if (runs(*imported->model)) r.push_back({path.filename().string(), std::move(imported->model)});
  }
  for (uint64_t seed = 1001; seed < 1025; ++seed) {
    auto m = random_model(session(), seed);
    if (runs(*m)) r.push_back({"seed " + std::to_string(seed), std::move(m)});
  }
  return r;
}

}  // namespace

TEST_CASE("standard passes are right in any order") {
  auto models = small_models();
  REQUIRE(models.size() >= 8);
  std::mt19937_64 rng(5);
  const uint64_t orders = number_from("TENON_PROPERTY_ORDERS", 200);
  for (uint64_t k = 0; k < orders; ++k) {
    const Order order = shuffled(rng);
    for (Small& small : models) {
      std::string wrong = problem(*small.model, order, false);
      if (wrong.empty()) continue;
      if (auto where = problem(*small.model, order, true); !where.empty()) wrong = where;
      UNSCOPED_INFO(small.name << ": " << wrong << "\norder: " << text(order));
      CHECK(wrong.empty());
    }
  }
}
