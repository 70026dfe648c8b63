// SPDX-License-Identifier: Apache-2.0
#include "config.hpp"

#include <filesystem>

#include "../ir/buffer.hpp"

namespace tenon::core {
namespace fs = std::filesystem;

std::string Config::resolve(const std::string& path) const { return (fs::path(folder) / path).lexically_normal().string(); }

std::string Config::where(const std::string& pointer, bool key) const {
  if (is_file) return name + ':' + positions.of(pointer, key);
  if (name.empty()) return {};
  return pointer.empty() ? name : name + ", at " + pointer;
}

Error Config::error(const std::string& pointer, std::string message, bool key) const { return Error(TENON_E_CONFIG, std::move(message)).with("position", where(pointer, key)); }

Result<Config> read_config(const std::string& path) {
  auto file = map_file(path);
  if (!file) return fail(std::move(file.error()));
  std::string_view text(reinterpret_cast<const char*>(file->data()), file->size());
  Config c;
  c.name = path;
  c.is_file = true;
  c.folder = fs::absolute(path).parent_path().string();
  if (json_depth(text) > Positions::kMostDepth) return fail(Error(TENON_E_CONFIG, "the pipeline is nested too deep").with("file", path));
  try {
    c.json = Json::parse(text.begin(), text.end());
  } catch (const Json::parse_error& e) {
    std::string reason = e.what();
    size_t start = reason.find("syntax error");
    size_t at = e.byte ? e.byte - 1 : 0;
    return fail(Error(TENON_E_CONFIG, "the pipeline is not valid JSON").with("position", path + ':' + line_column(text, at)).with("found", start == std::string::npos ? reason : reason.substr(start)));
  }
  c.positions = Positions(text);
  std::vector<Error> twice;
  for (const auto& pointer : c.positions.duplicates()) twice.push_back(c.error(pointer, "the key at " + pointer + " is given twice", true));
  if (!twice.empty()) return fail(gathered(std::move(twice), "pipeline"));
  return c;
}

Config make_config(std::string name, std::string folder, Json json) {
  Config c;
  c.name = std::move(name);
  c.folder = std::move(folder);
  c.json = std::move(json);
  return c;
}

Error gathered(std::vector<Error> problems, const std::string& what) {
  if (problems.size() == 1) return std::move(problems[0]);
  Error e(problems[0].code, "the " + what + " has " + std::to_string(problems.size()) + " problems");
  e.causes = std::move(problems);
  return e;
}

}  // namespace tenon::core
