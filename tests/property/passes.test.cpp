// SPDX-License-Identifier: Apache-2.0
// What every pass of the plugins at hand owes, on random models: the same graph out each time, nothing left to do in a second run, a
// sound graph, names of inputs and outputs kept, origins for every node, and the same results within its class. The number of models is
// TENON_PROPERTY_MODELS, the first one TENON_PROPERTY_SEED, and one pass alone is TENON_PROPERTY_PASS.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <set>

#include <tenon/dtype.hpp>

#include "core/exec/infer.hpp"
#include "core/ir/text.hpp"
#include "core/ir/verifier.hpp"
#include "core/pipeline/pass_stage.hpp"
#include "property.hpp"
#include "random_model.hpp"

using namespace tenon::core;
using namespace tenon::test;
using tenon::operator==;

namespace {

std::string full_text(const Model& m) {
  PrintOptions full;
  full.full = true;
  return print(m, full);
}

Result<PassOutcome> apply(Run& r, const std::string& pass, bool verify) {
  PassSpec spec;
  spec.id = pass;
  spec.options = default_options(pass);
  spec.verify.on = verify;
  return apply_pass(r, spec);
}

std::set<std::string> names_of(const Model& m, const std::vector<tenon_value>& values) {
  std::set<std::string> r;
  for (tenon_value v : values) r.insert(std::string(m.value_name(v)));
  return r;
}

/// Nodes of all graphs that have no origin, or one that the model had not.
std::string origin_problem(const Model& before, const Model& after) {
  std::set<std::string> known;
  for (const auto& o : before.origins) known.insert(o.name);
  for (const tenon_graph* g : after.nested(after.main()))
    for (Slot n = g->first; n; n = after.nodes.next[n]) {
      const auto names = after.origin_names(after.node_id(n));
      if (names.empty()) return "node '" + after.nodes.name[n] + "' has no origin";
      for (const auto& name : names)
        if (!known.count(name)) return "node '" + after.nodes.name[n] + "' has an origin of nowhere: '" + name + "'";
    }
  return "";
}

/// Does the incremental inference leave the types that a whole one finds?
std::string inference_problem(const Model& m) {
  auto whole = m.clone();
  if (auto s = infer_graph(session(), *whole, whole->main()); !s) return to_text(s.error());
  for (Slot v = 1; v < m.values.generation.size(); ++v) {
    if (!m.alive_value(m.value_id(v))) continue;
    const ValueType a = m.type(m.value_id(v)), b = whole->type(m.value_id(v));
    if (a.dtype == b.dtype && a.rank == b.rank && a.dims == b.dims) continue;
    return "value '" + m.values.name[v] + "': " + value_type_text(m, m.value_id(v)) + " instead of " + value_type_text(*whole, m.value_id(v));
  }
  return "";
}

/// A minimum cut for each permutation in turn: what one leaves another may improve on, so a group repeats it until it is unchanged.
bool settles_later(const std::string& pass) { return pass == "place-transposes"; }

/// What is wrong with the pass on this model; empty when nothing is.
std::string problem(Model& model, const std::string& pass) {
  Run run(session());
  run.model = model.clone();
  auto first = apply(run, pass, true);
  if (!first) return "the run fails: " + to_text(first.error());
  const std::string once = full_text(*run.model);
  if (auto sound = verify(session(), *run.model); !sound) return to_text(sound.error());
  if (run.model->main().output_names != model.main().output_names) return "names of outputs are lost";
  if (names_of(*run.model, run.model->main().inputs) != names_of(model, model.main().inputs)) return "names of inputs are lost";
  if (auto lost = origin_problem(model, *run.model); !lost.empty()) return lost;
  if (auto wrong = inference_problem(*run.model); !wrong.empty()) return "types after it: " + wrong;
  Run other(session());
  other.model = model.clone();
  if (!apply(other, pass, false) || full_text(*other.model) != once) return "another run gives another graph";
  Run second(session());
  second.model = run.model->clone();
  second.model->settled.clear();
  auto again = apply(second, pass, false);
  if (!again) return "a second run fails: " + to_text(again.error());
  if (!settles_later(pass) && (again->changed || full_text(*second.model) != once)) return "a second run changes something:\n" + once + "\nbecomes\n" + full_text(*second.model);
  return "";
}

}  // namespace

TEST_CASE("passes keep their promises on random models") {
  const uint64_t count = number_from("TENON_PROPERTY_MODELS", 60), first = number_from("TENON_PROPERTY_SEED", 1);
  const char* only = std::getenv("TENON_PROPERTY_PASS");
  uint64_t changed = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const auto model = random_model(session(), seed);
    if (!runs(*model)) continue;
    ++changed;
    for (const auto& pass : only ? std::vector<std::string>{only} : passes()) {
      const std::string wrong = problem(*model, pass);
      if (wrong.empty()) continue;
      UNSCOPED_INFO("pass " << pass << ", seed " << seed << ": " << wrong << "\n" << full_text(*model));
      CHECK(wrong.empty());
    }
  }
  CHECK(changed * 2 > count);
}

TEST_CASE("every standard pass has golden tests") {
  for (const auto& pass : passes()) {
    if (session().registry.owner("pass", pass)->id != standard_plugin()) continue;
    if (pass == "infer-shapes") continue;  // changes no node
    INFO(pass);
    const auto folder = std::filesystem::path(TENON_TEST_FOLDER) / "golden" / pass;
    CHECK(std::filesystem::is_directory(folder));
  }
}
