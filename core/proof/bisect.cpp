// SPDX-License-Identifier: Apache-2.0
#include "bisect.hpp"

#include <fmt/format.h>

#include "../pipeline/config.hpp"
#include "../report/run_report.hpp"
#include "child.hpp"
#include "rewrite_search.hpp"

namespace tenon::core {
namespace {

bool stops(const Error& e) { return e.code == TENON_E_CANCELLED || e.code == TENON_E_NO_MEMORY; }

std::string list_text(const std::vector<std::string>& all) {
  std::string s;
  for (size_t k = 0; k < all.size() && k < 8; ++k) s += (k ? ", " : "") + all[k];
  return all.size() > 8 ? s + fmt::format(" and {} more", all.size() - 8) : s;
}

}  // namespace

GraphRunner Bisection::isolated(double seconds) { return isolated_runner(seconds); }

Status Bisection::prepare() {
  bool exact = options_.verify.tolerance && options_.verify.tolerance->bits;
  for (size_t k = 1; k < steps_.states.size() && !options_.verify.tolerance; ++k) {
    auto t = pass_tolerance(session_.registry, steps_.states[k].by.spec());
    exact = exact || (t && t->bits);
  }
  const GraphRunner counted = [this](Session& s, Model& m, const std::string& backend, const TensorSet& in, int runs) {
    ++graph_runs_;
    return run_(s, m, backend, in, runs);
  };
  TENON_TRY(sets_.prepare(session_, *steps_.states[0].model, options_.verify, options_.inputs, exact, counted));
  auto& first = outputs_[0];
  for (const auto& set : sets_.sets) first.push_back(set.outputs);
  return {};
}

Result<std::vector<std::optional<Outputs>>> Bisection::outputs(size_t state) {
  auto known = outputs_.find(state);
  if (known != outputs_.end()) return known->second;
  if (auto b = broken_.find(state); b != broken_.end()) return fail(b->second);
  std::vector<std::optional<Outputs>> all;
  for (const auto& set : sets_.sets) {
    ++graph_runs_;
    auto out = run_(session_, *steps_.states[state].model, options_.verify.backend.empty() ? "reference" : options_.verify.backend, set.inputs, sets_.runs);
    if (!out && stops(out.error())) return fail(std::move(out.error()));
    if (!out) {
      Error e = Error(TENON_E_MISMATCH, "the graph runs before the pass but not after it").with("inputs", set.name);
      e.causes.push_back(std::move(out.error()));
      broken_[state] = e;
      return fail(std::move(e));
    }
    all.push_back(std::move(*out));
  }
  return outputs_[state] = std::move(all);
}

Result<std::optional<Error>> Bisection::compare_states(size_t state, size_t reference, const Tolerance& t) {
  auto before = outputs(reference);
  if (!before) return fail(std::move(before.error()));
  auto after = outputs(state);
  if (!after && stops(after.error())) return fail(std::move(after.error()));
  if (!after) return std::optional<Error>(std::move(after.error()));
  SetComparison found;
  for (size_t k = 0; k < sets_.sets.size(); ++k) {
    if (sets_.sets[k].exact_only && !t.bits) continue;
    InputSet set{sets_.sets[k].name, false, {}, (*before)[k], sets_.sets[k].steady, 0};
    compare_outputs(*(*after)[k], set, steps_.states[state].model->main().output_names, t, &found);
  }
  if (found.misses.empty()) return std::optional<Error>();
  return std::optional<Error>(gathered(std::move(found.misses), "pass's result"));
}

Culprit Bisection::failing() const {
  Culprit c;
  c.step = *steps_.failing;
  c.before = c.reference = steps_.states.size() - 1;
  c.error = *steps_.error;
  return c;
}

Culprit Bisection::culprit(size_t state, size_t reference, const Tolerance& t, Error e) const {
  Culprit c;
  c.step = steps_.states[state].by;
  c.before = state - 1;
  c.reference = reference;
  c.tolerance = t;
  c.error = std::move(e);
  c.compared = true;
  return c;
}

/// States from `from` on are compared with it; `to` is the last one.
Result<std::optional<Culprit>> Bisection::first_beyond(size_t from, size_t to, const Tolerance& t) {
  auto last = compare_states(to, from, t);
  if (!last) return fail(std::move(last.error()));
  if (!*last) return std::optional<Culprit>();
  size_t good = from, bad = to;
  Error why = std::move(**last);
  while (bad - good > 1) {
    const size_t middle = good + (bad - good) / 2;
    auto found = compare_states(middle, from, t);
    if (!found) return fail(std::move(found.error()));
    if (*found) bad = middle, why = std::move(**found);
    else good = middle;
  }
  return std::optional<Culprit>(culprit(bad, from, t, std::move(why)));
}

/// Runs of exact passes are searched by halves; each other pass is compared with the state before it.
Result<std::optional<Culprit>> Bisection::first_of_class() {
  auto tolerance = [&](size_t state) { return pass_tolerance(session_.registry, steps_.states[state].by.spec()); };
  for (size_t at = 0; at + 1 < steps_.states.size();) {
    auto t = tolerance(at + 1);
    size_t end = at + 1;
    while (t && t->bits && end + 1 < steps_.states.size()) {
      auto next = tolerance(end + 1);
      if (!next || !next->bits) break;
      ++end;
    }
    if (!t) steps_.notes.push_back("pass " + steps_.states[end].by.spec().id + " is approximate and has no tolerance of its own, so it was not judged");
    auto found = t ? first_beyond(at, end, *t) : Result<std::optional<Culprit>>(std::optional<Culprit>());
    if (!found || *found) return found;
    at = end;
  }
  return std::optional<Culprit>();
}

Result<std::optional<Culprit>> Bisection::find(const Plan& plan, std::unique_ptr<Model> imported) {
  auto steps = run_steps(session_, plan, std::move(imported), options_.seconds);
  if (!steps) return fail(std::move(steps.error()));
  steps_ = std::move(*steps);
  if (Status s = prepare(); !s) return fail(std::move(s.error()).with("stage", "bisect"));
  const bool whole = options_.verify.tolerance.has_value();
  auto found = steps_.states.size() == 1 ? Result<std::optional<Culprit>>(std::optional<Culprit>()) : whole ? first_beyond(0, steps_.states.size() - 1, *options_.verify.tolerance) : first_of_class();
  if (!found) return found;
  if (!*found && steps_.failing) *found = failing();
  if (*found)
    if (Status s = find_rewrite(&**found); !s) return fail(std::move(s.error()));
  return found;
}

Status Bisection::find_rewrite(Culprit* c) {
  RewriteSearch::Judge judge;
  if (c->compared) {
    auto expected = outputs(c->reference);
    if (!expected) return fail(std::move(expected.error()));
    judge = [this, c, expected = *expected](Model& m) -> Status {
      SetComparison found;
      for (size_t k = 0; k < sets_.sets.size(); ++k) {
        if (sets_.sets[k].exact_only && !c->tolerance.bits) continue;
        auto out = run_graph(session_, m, options_.verify.backend.empty() ? "reference" : options_.verify.backend, sets_.sets[k].inputs, sets_.runs);
        if (!out) return fail(std::move(out.error()));
        InputSet set{sets_.sets[k].name, false, {}, expected[k], sets_.sets[k].steady, 0};
        compare_outputs(*out, set, m.main().output_names, c->tolerance, &found);
      }
      return found.misses.empty() ? Status() : fail(gathered(std::move(found.misses), "pass's result"));
    };
  }
  RewriteSearch search(session_, *steps_.states[c->before].model, c->step.spec(), judge, options_.seconds);
  TENON_TRY(search.find(c));
  graph_runs_ += c->compared ? search.probes() : 0;
  return {};
}

Json Culprit::json() const {
  Json j{{"pass", step.spec().id}, {"run", step.number}, {"position", step.stage->where}, {"error", error_json(error)}};
  if (step.round) j["round"] = step.round, j["group"] = step.group;
  if (!as_a_whole.empty()) j["as-a-whole"] = as_a_whole;
  if (rewrite) j["rewrite"] = {{"number", rewrite}, {"of", rewrites}, {"rule", what.rule}, {"node", what.node}, {"operator", what.op}, {"origins", what.origins}, {"removed", removed}, {"added", added}};
  return j;
}

std::string Culprit::text() const {
  std::string s = fmt::format("the first pass that breaks it is {} (run {} of a pass)\n", step.text(), step.number);
  if (rewrite) {
    s += rewrites ? fmt::format("  rewrite {} of {}", rewrite, rewrites) : fmt::format("  rewrite {}", rewrite);
    if (!what.rule.empty()) s += ", rule " + what.rule;
    s += what.op.empty() ? std::string("\n") : fmt::format(", at node {} ({})\n", what.node.empty() ? "without a name" : what.node, what.op);
    if (!what.origins.empty()) s += "  origins: " + list_text(what.origins) + "\n";
    if (!removed.empty()) s += "  removed: " + list_text(removed) + "\n";
    if (!added.empty()) s += "  added: " + list_text(added) + "\n";
  } else if (!as_a_whole.empty()) {
    s += "  " + as_a_whole + "\n";
  }
  std::string why = to_text(error);
  if (!why.empty() && why.back() == '\n') why.pop_back();
  return s + "  " + why;
}

std::string failure_kind(const Error& e) {
  std::string kind = std::to_string(e.code) + '|' + std::string(e.detail("stage")) + '|';
  char quote = 0;
  for (char c : e.message) {
    if (quote) quote = c == quote ? 0 : quote;
    else if (c == '"' || c == '\'') quote = c;
    else if (c < '0' || c > '9') kind += c;
  }
  return e.code == TENON_E_MISMATCH ? std::to_string(e.code) : kind;
}

}  // namespace tenon::core
