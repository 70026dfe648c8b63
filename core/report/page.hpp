// SPDX-License-Identifier: Apache-2.0
// page.hpp - a report as one HTML page that needs nothing but a browser.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "../plugin/registry.hpp"
#include "error.hpp"

namespace tenon::core {

/// What a page shows beside the report itself: {"command", "made", "machine": {...}, "plugins": [...]}.
Json about_run(const Registry& r, const std::string& command);

/// JSON that may stand inside a script element: "<", ">" and "&" are written as escapes, so no name can end the element.
std::string script_safe(std::string_view json);

/// Writes the page piece by piece. `graph` is JSON text, "null" where no graph was recorded.
Status write_page(const Json& about, const Json& report, const std::string& graph, const std::function<Status(std::string_view)>& write);

}  // namespace tenon::core
