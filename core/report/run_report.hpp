// SPDX-License-Identifier: Apache-2.0
// run_report.hpp - everything a run did, as JSON.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "../plugin/manifest.hpp"
#include "../plugin/session.hpp"

namespace tenon::core {

/// One stage of a run.
struct StageRecord {
  std::string kind, name;
  double ms = 0;
  uint64_t peak_bytes = 0;
  uint64_t nodes_before = 0, nodes_after = 0;
  bool failed = false;
  Json details = Json::object();  ///< what the kind of stage adds: metrics, verification, outputs, program, ...
  Json json() const;
};

class RunReport {
 public:
  std::string pipeline;  ///< path, or what stands for it
  std::vector<StageRecord> stages;
  std::vector<Json> leftovers;
  Json json(const Session& s, const Error* error) const;

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// {"code", "message", details..., "causes": [...]}.
Json error_json(const Error& e);

/// Milliseconds since construction.
class Stopwatch {
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();

 public:
  double ms() const { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began_).count(); }
};

}  // namespace tenon::core
