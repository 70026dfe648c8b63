// SPDX-License-Identifier: Apache-2.0
// schema.hpp - the JSON schema of a pipeline, put together from what the plugins' manifests say.
#pragma once
#include "../plugin/registry.hpp"

namespace tenon::core {

/// Keys that say which kind of stage an object is; the first one that is there decides (an execute stage may also say "repeat").
const std::vector<std::string>& stage_kinds();

/// Schema of an entry's own options, closed; an object without properties when it has none.
Json options_of(const Registry& r, std::string_view kind, std::string_view id);
Json import_schema(const Registry& r, const std::string& frontend);  ///< "auto": any frontend's options
Json pass_schema(const Registry& r, const std::string& id);
Json export_schema(const Registry& r, const std::string& id);
Json execute_schema(const Registry& r, const std::vector<std::string>& backends);
Json repeat_schema();
Json include_schema();
/// Members of the whole but the stages' own.
Json top_schema();
/// All of it, for editors.
Json pipeline_schema(const Registry& r);

/// Names that the host itself understands where an id is due.
inline constexpr const char* kAutoFrontend = "auto";
inline constexpr const char* kNativeFormat = "tenon";
inline constexpr const char* kReferenceBackend = "reference";

}  // namespace tenon::core
