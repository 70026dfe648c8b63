// SPDX-License-Identifier: Apache-2.0
// bisect.hpp - the first pass of a pipeline, and the first rewrite in it, that breaks the model.
#pragma once
#include "steps.hpp"

namespace tenon::core {

struct ProofOptions {
  VerifyOptions verify;              ///< tolerance: from the imported graph to the last; none = each pass within its class
  std::string inputs;                ///< path; empty = made up
  double seconds = 120;              ///< that a child may take
};

/// A pass that breaks something.
struct Culprit {
  Step step;
  size_t before = 0;                 ///< state that the pass was given
  size_t reference = 0;              ///< state that its result was compared with
  Tolerance tolerance;
  Error error;                       ///< what went wrong
  bool compared = false;             ///< it computes something else; otherwise it failed by itself
  // of the rewrite; number 0: the pass does not count its rewrites, or fails before the first
  uint64_t rewrite = 0, rewrites = 0;
  Rewrite what;
  std::vector<std::string> removed, added;  ///< nodes, "name: operator"
  std::string as_a_whole;            ///< why no single rewrite is named
  Json json() const;
  std::string text() const;
};

class Bisection {
 public:
  Bisection(Session& s, ProofOptions o) : session_(s), options_(std::move(o)), run_(isolated(options_.seconds)) {}
  /// Nothing when every pass keeps what the model computes.
  Result<std::optional<Culprit>> find(const Plan& plan, std::unique_ptr<Model> imported);
  const Steps& steps() const { return steps_; }
  const InputSets& inputs() const { return sets_; }
  size_t graph_runs() const { return graph_runs_; }
  /// Outputs of a state, by set; computed when first asked for.
  Result<std::vector<std::optional<Outputs>>> outputs(size_t state);

 private:
  static GraphRunner isolated(double seconds);
  Status prepare();
  /// What is wrong with a state against another one; nothing = fine.
  Result<std::optional<Error>> compare_states(size_t state, size_t reference, const Tolerance& t);
  Result<std::optional<Culprit>> first_beyond(size_t from, size_t to, const Tolerance& t);
  Result<std::optional<Culprit>> first_of_class();
  Culprit failing() const;
  Culprit culprit(size_t state, size_t reference, const Tolerance& t, Error e) const;
  Status find_rewrite(Culprit* c);

  Session& session_;
  ProofOptions options_;
  GraphRunner run_;
  Steps steps_;
  InputSets sets_;
  std::map<size_t, std::vector<std::optional<Outputs>>> outputs_;
  std::map<size_t, Error> broken_;   ///< states that do not run
  size_t graph_runs_ = 0;
};

/// Signs of a failure that stay when the graph is cut down: code, pass, and the message without names and numbers.
std::string failure_kind(const Error& e);

}  // namespace tenon::core
