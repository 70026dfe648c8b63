// SPDX-License-Identifier: Apache-2.0
// config.hpp - a pipeline as text: read, parsed, and with the place of everything in it.
#pragma once
#include <string>
#include <vector>

#include "../plugin/manifest.hpp"
#include "positions.hpp"

namespace tenon::core {

/// A pipeline, or a part of one, as somebody wrote it.
struct Config {
  std::string name;    ///< path of the file, or what stands for it ("pipeline O2 of plugin x"); empty for the command line
  std::string folder;  ///< paths in it are relative to this
  bool is_file = false;
  Json json;
  Positions positions;

  /// Path of a file named in the pipeline, absolute.
  std::string resolve(const std::string& path) const;
  /// "file:line:column" for a file, "name, at /pointer" otherwise.
  std::string where(const std::string& pointer, bool key = false) const;
  Error error(const std::string& pointer, std::string message, bool key = false) const;
};

/// E_IO when the file cannot be read; E_CONFIG with line and column for a syntax error, a key given twice, or more than kMostDepth levels.
Result<Config> read_config(const std::string& path);
/// Of a pipeline that the host or a plugin's manifest brings.
Config make_config(std::string name, std::string folder, Json json);

/// One error out of several: itself, or "the pipeline has N problems" with them as causes. Needs at least one.
Error gathered(std::vector<Error> problems, const std::string& what);

}  // namespace tenon::core
