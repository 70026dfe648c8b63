// SPDX-License-Identifier: Apache-2.0
// model_arguments.hpp - a model and the pipeline that optimizes it, as the verbs take them, and the stages that follow from them.
#pragma once
#include "app.hpp"

namespace tenon::core::cli {

/// What a verb says about the model that it imports.
struct ImportArguments {
  std::string model;
  std::vector<std::string> shapes;   ///< NAME=1,3,N
  std::vector<std::string> options;  ///< NAME=VALUE, of the frontend
};
/// Adds MODEL, --shape and --option.
void add_import(CLI::App& sub, ImportArguments& a);

inline constexpr const char* kDefaultPipeline = "O2";
/// What optimizes the model: a pipeline of a plugin, a .json file, or "none". The default is none where no plugin brings it.
struct PipelineArgument {
  std::string name = kDefaultPipeline;
  bool given = false;
};
/// Adds --pipeline-name.
void add_pipeline_name(CLI::App& sub, PipelineArgument& a);

/// {NAME: VALUE}, a value as JSON where it is JSON, else as text.
Result<Json> options_json(const std::vector<std::string>& options);
/// "A=2" pairs as values of dimensions.
Result<Json> dims_json(const std::vector<std::string>& dims);
/// {"import": "auto", "model": ..., "shapes": ..., options}
Result<Json> import_json(const ImportArguments& a);
/// The import and, where there is one, the pipeline.
Result<Json> model_stages(const Registry& r, const ImportArguments& import, const PipelineArgument& pipeline);

/// A pipeline of these stages; paths are relative to the current folder.
Config stages_config(Json stages);
/// Plans and runs stages.
Status run_stages(Run& r, Json stages);
/// Imports a model alone.
Status import_alone(Run& r, const ImportArguments& a);

}  // namespace tenon::core::cli
