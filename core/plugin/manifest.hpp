// SPDX-License-Identifier: Apache-2.0
// manifest.hpp - what a plugin says about itself, read from its file without loading it.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "../report/error.hpp"

namespace tenon::core {

using Json = nlohmann::ordered_json;

/// One thing that a plugin brings: {"kind": "pass", "id": "a-pass", ...}.
struct Provided {
  std::string kind, id;
  Json json;
};

struct Manifest {
  std::string path;                           ///< absolute path of the library
  std::string id, version, vendor, license;
  int tier = 0;                               ///< order of the place where it was found; smaller wins
  uint64_t bytes_hash = 0;
  Json about;
  std::vector<Provided> provides;             ///< sorted by kind, then id
};

/// Scans the file for manifest fragments. E_NOT_FOUND when it holds none (not a plugin); E_ABI for a malformed one.
Result<Manifest> read_manifest(const std::string& path);

}  // namespace tenon::core
