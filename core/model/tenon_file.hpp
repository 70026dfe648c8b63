// SPDX-License-Identifier: Apache-2.0
// tenon_file.hpp - the .tenon file: header, graph as a FlatBuffer, then 64-byte aligned weights that are mapped, never parsed.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "../ir/model.hpp"

namespace tenon::core {

inline constexpr std::string_view kTenonMagic{"TENON\r\n\x1a", 8};

/// Same model, same bytes. Writes through `write` in order.
Status write_tenon(const Model& m, const std::function<Status(const void*, uint64_t)>& write);
/// Checked before use (FlatBuffers verifier, bounds, ids, types); constants share the buffer.
Result<std::unique_ptr<Model>> read_tenon(BufferRef file);

}  // namespace tenon::core
