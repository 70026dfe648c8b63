// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "../data/output_file.hpp"

namespace tenon::core {

void PlanCheck::input_file(const std::string& path, const std::string& where) {
  std::error_code ec;
  if (path.empty() || produced.count(path)) return;
  Error e = Error(TENON_E_IO, "the file does not exist").with("file", path).with("position", where);
  if (std::filesystem::is_directory(path, ec)) e.message = "the file is a folder";
  else if (access(path.c_str(), R_OK) == 0) return;
  else if (std::filesystem::exists(path, ec)) e.message = "the file cannot be read";
  problems.push_back(std::move(e));
}

void PlanCheck::output_file(const std::string& path, const std::string& where) {
  if (path.empty()) return;
  if (auto s = check_output_path(path); !s) problems.push_back(std::move(s.error()).with("position", where));
  produced.insert(path);
}

std::string Stage::summary(const StageRecord& r) const {
  std::string nodes = r.nodes_before == r.nodes_after ? fmt::format("{} nodes", r.nodes_after) : fmt::format("{} -> {} nodes", r.nodes_before, r.nodes_after);
  return fmt::format("{}, {}", nodes, time_text(r.ms));
}

std::string supplier_text(const Registry& r, const std::string& kind, const std::string& id) {
  const Manifest* m = r.owner(kind, id);
  return m ? fmt::format("plugin {} {} ({})", m->id, m->version, m->path) : std::string("the host");
}

Error at_stage(Error e, const Registry& r, const std::string& kind, const std::string& id) {
  if (!e.detail("stage").empty()) return e;
  e.with("stage", kind + ' ' + id);
  const Manifest* m = r.owner(kind, id);
  if (m && e.detail("plugin").empty()) e.with("plugin", m->id + ' ' + m->version);
  return e;
}

std::string time_text(double ms) {
  if (ms >= 1000) return fmt::format("{:.2f} s", ms / 1000);
  return ms >= 10 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.3f} ms", ms);
}

}  // namespace tenon::core
