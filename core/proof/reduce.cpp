// SPDX-License-Identifier: Apache-2.0
#include "reduce.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "../pipeline/config.hpp"
#include "child.hpp"

namespace tenon::core {
namespace {

constexpr std::string_view kPassesDone = "passes done";

/// The set that the failure was seen on.
const InputSet& failing_set(const InputSets& sets, const Error& e) {
  const std::string_view name = e.causes.empty() || !e.detail("inputs").empty() ? e.detail("inputs") : e.causes[0].detail("inputs");
  for (const auto& set : sets.sets)
    if (set.name == name) return set;
  return sets.sets.front();
}

bool stands_for(const Model& m, tenon_node n, const Rewrite& r) {
  if (!r.node.empty() && m.nodes.name[slot(n)] == r.node) return true;
  if (!r.node.empty() || r.origins.empty()) return false;
  return m.origin_names(n) == r.origins;
}

/// Nodes at most `radius` edges away.
std::set<tenon_node> ball(const Model& m, const std::vector<tenon_node>& all, std::set<tenon_node> in, int radius) {
  std::vector<tenon_value> ids;
  for (int k = 0; k < radius; ++k) {
    std::set<tenon_value> made, read;
    for (tenon_node n : in) {
      m.outputs(n, &ids);
      made.insert(ids.begin(), ids.end());
      for (tenon_value v : reads(m, n)) read.insert(v);
    }
    for (tenon_node n : all) {
      m.outputs(n, &ids);
      bool near = std::any_of(ids.begin(), ids.end(), [&](tenon_value v) { return v && read.count(v); });
      for (tenon_value v : reads(m, n)) near = near || made.count(v);
      if (near) in.insert(n);
    }
  }
  return in;
}

}  // namespace

GraphRunner Reducer::isolated(double seconds) { return isolated_runner(seconds); }

bool Reducer::fails(const Sample& sample, const std::vector<PassSpec>& passes) {
  ++r_.trials;
  const std::string backend = options_.verify.backend.empty() ? "reference" : options_.verify.backend;
  const TensorSet inputs(sample.inputs);
  const ChildEnd end = in_child(
      [&](const Emit& emit) -> Status {
        auto m = sample.model->clone();
        InputSet before{"", false, {}, {}, {}, 0};
        if (r_.compared) {
          auto out = run_graph(session_, *m, backend, inputs, 1);
          if (!out) return {};
          before.steady.assign(out->size(), true);
          before.outputs = std::move(*out);
        }
        for (const auto& p : passes)
          if (Status s = run_once(session_, *m, p, nullptr); !s) return fail(at_stage(std::move(s.error()), session_.registry, "pass", p.id));
        if (!r_.compared) return {};
        emit(kPassesDone);
        auto out = run_graph(session_, *m, backend, inputs, 1);
        if (!out) return fail(TENON_E_MISMATCH, "the graph runs before the pass but not after it");
        SetComparison found;
        compare_outputs(*out, before, m->main().output_names, r_.tolerance, &found);
        return found.misses.empty() ? Status() : fail(gathered(std::move(found.misses), "pass's result"));
      },
      options_.seconds);
  if (end.status) return false;
  Error e = end.status.error();
  if (e.code == TENON_E_CRASH && end.out == kPassesDone) e = Error(TENON_E_MISMATCH, "running the graph after the pass fails: " + e.message);
  if (e.code != TENON_E_MISMATCH) e = at_stage(std::move(e), session_.registry, "pass", passes.back().id);
  if (wanted_.empty()) wanted_ = failure_kind(e);
  if (failure_kind(e) != wanted_) return false;
  r_.error = std::move(e);
  return true;
}

bool Reducer::take(Result<Sample> candidate) {
  if (session_.cancelled || !candidate || !fails(*candidate, r_.passes)) return false;
  r_.sample = std::move(*candidate);
  return true;
}

/// The pass alone on the graph that it was given, or where that shows nothing all passes on the imported one.
Status Reducer::start(const Bisection& b, const Culprit& c) {
  const auto& states = b.steps().states;
  const InputSet& set = failing_set(b.inputs(), c.error);
  r_.tolerance = c.tolerance;
  r_.compared = c.compared;
  wanted_ = failure_kind(c.error);
  r_.nodes_before = states[0].model->n_nodes();
  r_.sample = {states[c.before].model->clone(), set.inputs.tensors()};
  r_.passes = {c.step.spec()};
  if (fails(r_.sample, r_.passes)) return {};
  r_.sample.model = states[0].model->clone();
  r_.passes.clear();
  for (size_t k = 1; k <= c.before; ++k) r_.passes.push_back(states[k].by.spec());
  r_.passes.push_back(c.step.spec());
  if (fails(r_.sample, r_.passes)) return {};
  return fail(Error(TENON_E_UNSUPPORTED, "the failure does not show again when the same passes run once more, so it cannot be reduced").with("found", c.error.message).with("hint", "is a pass not deterministic, or does it keep something between its runs?"));
}

void Reducer::fewer_passes() {
  for (size_t chunk = r_.passes.size() / 2; chunk >= 1; chunk /= 2)
    for (size_t at = 0; at < r_.passes.size() && r_.passes.size() > 1;) {
      std::vector<PassSpec> fewer(r_.passes.begin(), r_.passes.begin() + static_cast<std::ptrdiff_t>(at));
      const size_t end = std::min(at + chunk, r_.passes.size());
      fewer.insert(fewer.end(), r_.passes.begin() + static_cast<std::ptrdiff_t>(end), r_.passes.end());
      if (!fewer.empty() && fails(r_.sample, fewer)) r_.passes = std::move(fewer);
      else at += chunk;
    }
}

void Reducer::around(const Rewrite& root) {
  auto nodes = main_nodes(*r_.sample.model);
  if (!nodes) return;
  std::set<tenon_node> center;
  for (tenon_node n : *nodes)
    if (stands_for(*r_.sample.model, n, root)) center.insert(n);
  if (center.empty()) return;
  for (int radius = 0; radius <= 16; radius = radius ? 2 * radius : 1) {
    const auto keep = ball(*r_.sample.model, *nodes, center, radius);
    if (keep.size() == nodes->size()) return;
    if (take(cut(session_, r_.sample, keep, run_))) return;
  }
}

void Reducer::fewer_nodes() {
  auto nodes = main_nodes(*r_.sample.model);
  if (!nodes) return;
  for (size_t chunk = std::max<size_t>(nodes->size() / 2, 1); chunk >= 1; chunk /= 2)
    for (size_t at = 0; nodes && at < nodes->size() && !session_.cancelled;) {
      std::set<tenon_node> keep(nodes->begin(), nodes->begin() + static_cast<std::ptrdiff_t>(at));
      keep.insert(nodes->begin() + static_cast<std::ptrdiff_t>(std::min(at + chunk, nodes->size())), nodes->end());
      if (keep.empty() || !take(cut(session_, r_.sample, keep, run_))) at += chunk;
      else nodes = main_nodes(*r_.sample.model);
    }
}

void Reducer::fewer_outputs() {
  const size_t n = r_.sample.model->main().outputs.size();
  for (size_t k = 0; n > 1 && k < n; ++k)
    if (take(one_output(session_, r_.sample, k, run_))) return;
}

void Reducer::smaller_sizes() {
  for (int64_t from : input_sizes(r_.sample))
    for (int64_t to : {int64_t{1}, int64_t{2}, int64_t{3}, from / 2})
      if (to >= 1 && to < from && take(resized(session_, r_.sample, from, to))) break;
}

Result<Reduced> Reducer::reduce(const Bisection& b, const Culprit& c) {
  TENON_TRY(start(b, c));
  fewer_passes();
  say_(fmt::format("{} {} on {} nodes show it", r_.passes.size(), r_.passes.size() == 1 ? "pass" : "passes", r_.sample.model->n_nodes()));
  around(c.what);
  fewer_outputs();
  fewer_nodes();
  fewer_outputs();
  smaller_sizes();
  fewer_nodes();
  fewer_passes();
  if (session_.cancelled) return fail(TENON_E_CANCELLED, "cancelled");
  say_(fmt::format("reduced to {} nodes in {} trials", r_.sample.model->n_nodes(), r_.trials));
  return std::move(r_);
}

}  // namespace tenon::core
