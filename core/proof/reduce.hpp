// SPDX-License-Identifier: Apache-2.0
// reduce.hpp - the smallest graph and the fewest passes that still fail in the same way.
#pragma once
#include "bisect.hpp"
#include "subgraph.hpp"

namespace tenon::core {

struct Reduced {
  Sample sample;
  std::vector<PassSpec> passes;
  Tolerance tolerance;
  bool compared = false;   ///< the passes change what is computed; otherwise one of them fails by itself
  Error error;             ///< what the reduced model shows
  uint64_t nodes_before = 0;
  size_t trials = 0;
};

class Reducer {
 public:
  Reducer(Session& s, ProofOptions o, std::function<void(const std::string&)> say) : session_(s), options_(std::move(o)), say_(std::move(say)), run_(isolated(options_.seconds)) {}
  Result<Reduced> reduce(const Bisection& b, const Culprit& c);

 private:
  static GraphRunner isolated(double seconds);
  Status start(const Bisection& b, const Culprit& c);
  /// Does it fail as it should? Remembers how.
  bool fails(const Sample& s, const std::vector<PassSpec>& passes);
  bool take(Result<Sample> candidate);
  void fewer_passes();
  void around(const Rewrite& root);
  void fewer_nodes();
  void fewer_outputs();
  void smaller_sizes();

  Session& session_;
  ProofOptions options_;
  std::function<void(const std::string&)> say_;
  GraphRunner run_;
  std::string wanted_;     ///< failure_kind of what is looked for
  Reduced r_;
};

/// Writes model.tenon, inputs.npz, pipeline.json and README.txt.
Status write_reproducer(const std::string& folder, const Reduced& r, const ProofOptions& o, const Json& plugins, const Json& prefer, const std::string& about);
/// Runs a pipeline with this program in a process of its own: its exit code, 128 + the signal that killed it, or -1 when it does not end.
int run_pipeline_file(const std::string& path, double seconds);

}  // namespace tenon::core
