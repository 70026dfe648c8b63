// SPDX-License-Identifier: Apache-2.0
// text.hpp - the text form of a model: printed for people and golden tests, and parsed back to the same graph.
#pragma once
#include <memory>
#include <string>

#include "model.hpp"

namespace tenon::core {

struct PrintOptions {
  uint64_t inline_elements = 16;  ///< larger constants are elided (as a hash), or written in full when `full`
  bool full = false;              ///< constants in full (base64), so that the text parses back to the same model
  bool origins = true;
};
std::string print(const Model& m, const PrintOptions& o = {});
/// Inverse of print with `full` (small models need no `full`). Errors carry "position" line:column.
Result<std::unique_ptr<Model>> parse(std::string_view text);

}  // namespace tenon::core
