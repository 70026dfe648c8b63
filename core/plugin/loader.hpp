// SPDX-License-Identifier: Apache-2.0
// loader.hpp - opens a plugin's library and checks it against its manifest.
#pragma once
#include <memory>

#include "registry.hpp"

namespace tenon::core {

/// Libraries stay open until the process ends: code of theirs may be referenced by buffers, operators and kernels.
Result<std::unique_ptr<LoadedPlugin>> load_plugin(Session& s, const Manifest& m);

}  // namespace tenon::core
