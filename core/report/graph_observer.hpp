// SPDX-License-Identifier: Apache-2.0
// graph_observer.hpp - sees the graph of a run whenever it changes.
#pragma once
#include <cstdint>
#include <string>

#include "../ir/model.hpp"

namespace tenon::core {

/// One change of the graph. Node and value ids are the same in `before` and `after` where nothing happened to them.
struct GraphEvent {
  std::string name;               ///< what changed it: a pass, or "import"
  size_t stage = 0;               ///< position among the stages of the run
  double ms = 0;                  ///< time that the change took
  uint64_t rewritten = 0;
  const Model* before = nullptr;  ///< null where a new model begins
  const Model* after = nullptr;
};

/// A run has none unless somebody asked for a picture, so a picture costs nothing otherwise.
class GraphObserver {
 public:
  virtual ~GraphObserver() = default;
  /// Both models are only valid during the call. An observer that fails says so when it is asked for its result.
  virtual void changed(const GraphEvent& e) = 0;
};

}  // namespace tenon::core
