// SPDX-License-Identifier: Apache-2.0
// netron.hpp - the graph of a run after each change, in files that the viewer Netron opens.
#pragma once
#include "graph_observer.hpp"

namespace tenon::core {

/// Writes FOLDER/NNN-NAME.netron.json for each change; NNN counts changes as the report's page does. Netron takes a JSON object whose
/// first member is "signature": "netron:...": values by number, nodes that name them, and further graphs for those that nodes hold.
class NetronWriter : public GraphObserver {
 public:
  explicit NetronWriter(std::string folder) : folder_(std::move(folder)) {}
  void changed(const GraphEvent& e) override;
  /// The first file that could not be written.
  const Status& status() const { return status_; }

 private:
  std::string folder_;
  size_t next_ = 0;
  Status status_;
};

/// The text of one such file.
std::string netron_text(const Model& m, const std::string& description);

}  // namespace tenon::core
