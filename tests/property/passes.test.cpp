// SPDX-License-Identifier: Apache-2.0
// What every pass of the plugins at hand owes, on random models: the same graph out each time, nothing left to do in a second run, a
// sound graph, names of inputs and outputs kept, origins for every node, none invented and none lost by joining nodes, and the same results
// within its class. The number of models is TENON_PROPERTY_MODELS, the first one TENON_PROPERTY_SEED, and one pass alone is TENON_PROPERTY_PASS.
#include <catch2/catch.hpp>

#include <algorithm>
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

/// Names of the origins of all nodes, or of those that `which` picks.
template <class Which>
std::set<std::string> origins_of(const Model& m, Which&& which) {
  std::set<std::string> r;
  for (const tenon_graph* g : m.nested(m.main()))
    for (Slot n = g->first; n; n = m.nodes.next[n])
      if (which(m.node_id(n)))
        for (const auto& name : m.origin_names(m.node_id(n))) r.insert(name);
  return r;
}

/// Passes that put operators in the place of others that do the same together: what computes a part of the result stays known by all its
/// origins. (What the other passes take out, such as a node that hands its input through, takes its origins along.)
bool joins(const std::string& pass) {
  for (const char* prefix : {"fuse-", "recompose-", "absorb-", "replace-", "hoist-", "sink-", "outline-", "inline-", "merge-qkv", "merge-pads", "merge-common"})
    if (pass.starts_with(prefix)) return true;
  return false;
}

/// Nodes of the main graph whose results are floating-point numbers that follow from an input and are part of an output. The others are
/// constants, shapes and positions, which a joined operator often has no need of, and dead ones.
std::set<tenon_node> computing_nodes(const Model& m) {
  std::set<tenon_value> wanted(m.main().outputs.begin(), m.main().outputs.end()), made(m.main().inputs.begin(), m.main().inputs.end());
  std::set<tenon_node> live, r;
  std::vector<tenon_value> in, out;
  const auto order = m.topological(m.main());
  if (!order) return r;
  const auto any = [](const std::vector<tenon_value>& of, const std::set<tenon_value>& where) {
    return std::any_of(of.begin(), of.end(), [&](tenon_value v) { return v && where.count(v); });
  };
  for (auto n = order->rbegin(); n != order->rend(); ++n) {
    m.outputs(*n, &out);
    if (!any(out, wanted)) continue;
    live.insert(*n);
    m.inputs(*n, &in);
    wanted.insert(in.begin(), in.end());
  }
  for (tenon_node n : *order) {
    m.inputs(n, &in), m.outputs(n, &out);
    if (!any(in, made)) continue;
    made.insert(out.begin(), out.end());
    const bool real = std::all_of(out.begin(), out.end(), [&](tenon_value v) { return !v || tenon::is_float(m.type(v).dtype); });
    if (real && live.count(n)) r.insert(n);
  }
  return r;
}

/// An origin of such a node that the pass has lost.
std::string lost_origin(const Model& before, const Model& after) {
  const auto computing = computing_nodes(before);
  const auto kept = origins_of(after, [](tenon_node) { return true; });
  for (const auto& name : origins_of(before, [&](tenon_node n) { return computing.count(n) > 0; }))
    if (!kept.count(name)) return "the origin '" + name + "' is lost";
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
  if (joins(pass))
    if (auto lost = lost_origin(model, *run.model); !lost.empty()) return lost;
  if (auto wrong = inference_problem(*run.model); !wrong.empty()) return "types after it: " + wrong;
  Run other(session());
  other.model = model.clone();
  if (!apply(other, pass, false) || full_text(*other.model) != once) return "another run gives another graph";
  Run second(session());
  second.model = run.model->clone();
  second.model->settled.clear();
  auto again = apply(second, pass, false);
  if (!again) return "a second run fails: " + to_text(again.error());
  if (again->changed || full_text(*second.model) != once) return "a second run changes something:\n" + once + "\nbecomes\n" + full_text(*second.model);
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
