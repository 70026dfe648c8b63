// SPDX-License-Identifier: Apache-2.0
// graph_recorder.hpp - the graph of a run after each change, as differences in JSON.
#pragma once
#include <set>

#include "../report/run_report.hpp"
#include "graph_changes.hpp"
#include "graph_json.hpp"
#include "graph_observer.hpp"

namespace tenon::core {

/// The first graph is kept whole, then what each step removed and set: size grows with the graph and what was done to it, not with
/// steps times graph. Of a graph with more than `most_nodes` nodes only counts and the surroundings of changes are kept.
class GraphRecorder : public GraphObserver {
 public:
  static constexpr uint64_t kMostNodes = 20000;
  explicit GraphRecorder(uint64_t most_nodes = kMostNodes) : most_nodes_(most_nodes) {}
  void changed(const GraphEvent& e) override;
  /// {"operators": [...], "origins": [...], "limit", "recording-ms", "steps": [...]} as text; the steps are described in docs/report.md.
  std::string json() const;

 private:
  uint64_t most_nodes_;
  uint64_t kept_ = 0;  ///< nodes in all steps so far
  double ms_ = 0;
  bool partial_ = false;
  GraphNumbers numbers_;
  std::vector<std::string> steps_;

  Json head(const GraphEvent& e, const GraphChanges& c);
  Json whole(const GraphEvent& e, const GraphChanges& c);
  Json part(const GraphEvent& e, const GraphChanges& c);
  Json surroundings(const Model& m, const std::vector<tenon_node>& nodes, std::set<tenon_value>* values);
};

}  // namespace tenon::core
