// SPDX-License-Identifier: Apache-2.0
#include "run_report.hpp"

#include "memory.hpp"

namespace tenon::core {

Json error_json(const Error& e) {
  Json j{{"code", code_name(e.code)}, {"message", e.message}};
  for (const auto& [key, text] : e.details)
    if (!text.empty()) j[key] = text;
  if (e.causes.empty()) return j;
  j["causes"] = Json::array();
  for (const auto& c : e.causes) j["causes"].push_back(error_json(c));
  return j;
}

Json StageRecord::json() const {
  Json j{{"kind", kind}, {"name", name}, {"ms", ms}, {"peak-bytes", peak_bytes}, {"nodes-before", nodes_before}, {"nodes-after", nodes_after}};
  if (failed) j["failed"] = true;
  for (const auto& [key, value] : details.items()) j[key] = value;
  return j;
}

Json RunReport::json(const Session& s, const Error* error) const {
  Json j{{"tenon", TENON_VERSION}, {"pipeline", pipeline}, {"ms", std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began_).count()}};
  uint64_t peak = peak_memory();
  for (const auto& stage : stages) peak = std::max(peak, stage.peak_bytes);
  j["peak-bytes"] = peak;
  j["exit-code"] = error ? exit_code(*error) : 0;
  j["stages"] = Json::array();
  for (const auto& stage : stages) j["stages"].push_back(stage.json());
  if (!leftovers.empty()) j["leftovers"] = leftovers;
  j["warnings"] = Json::array();
  for (const auto& w : s.warnings) j["warnings"].push_back(Json{{"text", w.text}, {"plugin", w.plugin}, {"stage", w.stage}});
  j["errors"] = Json::array();
  if (error) j["errors"].push_back(error_json(*error));
  return j;
}

}  // namespace tenon::core
