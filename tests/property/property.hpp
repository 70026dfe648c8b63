// SPDX-License-Identifier: Apache-2.0
// property.hpp - the session of the property tests, and what its plugins say about their passes.
#pragma once
#include <string>
#include <vector>

#include "core/exec/import.hpp"
#include "core/ir/model.hpp"
#include "core/pipeline/pass_stage.hpp"
#include "core/plugin/session.hpp"

namespace tenon::test {

/// With every plugin of the build.
core::Session& session();
/// Passes of all plugins there whose results can be compared, sorted.
std::vector<std::string> passes();
/// The plugin that brings the shipped pipelines.
std::string standard_plugin();
/// Options as the pipeline would fill them in.
core::Json default_options(const std::string& pass);
/// The model computes something with inputs that are made up.
bool runs(core::Model& m);
/// Of an environment variable, else the default.
uint64_t number_from(const char* variable, uint64_t otherwise);

}  // namespace tenon::test
