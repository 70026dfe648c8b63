// SPDX-License-Identifier: Apache-2.0
// options_schema.hpp - options checked against a JSON schema (draft 7), and filled with its defaults.
#pragma once
#include <string>
#include <vector>

#include "../plugin/manifest.hpp"

namespace tenon::core {

/// One thing that is wrong with a value.
struct Problem {
  std::string pointer;  ///< into the value that was checked
  std::string message;  ///< one sentence
  std::string expected, found, hint;
  bool key = false;     ///< it is the key that is wrong, not its value
};

/// The schema with "additionalProperties": false in every object schema with "properties" that does not speak about it.
Json closed_schema(Json schema);
/// Adds members that are absent and have a "default", also in nested objects.
void fill_defaults(const Json& schema, Json* value);
/// Is the option a path ("format": "path")? Those are resolved before a plugin sees them.
bool is_path_option(const Json& schema, const std::string& key);
/// All problems: unknown keys with the nearest known one, then what valijson finds. The schema is closed. E_ABI when the schema itself is none.
Result<std::vector<Problem>> check_value(const Json& schema, const Json& value);

}  // namespace tenon::core
