// SPDX-License-Identifier: Apache-2.0
// host_tables.hpp - the host's interface tables, one file each.
#pragma once
#include <tenon/rewriting.h>

#include <string_view>

#include "../report/error.hpp"

namespace tenon::core {

const tenon_core_api& core_table();
const tenon_buffer_api& buffer_table();
const tenon_ir_api& ir_table();
const tenon_registry_api& registry_table();
const tenon_exec_api& exec_table();
const tenon_rewriting_api& rewriting_table();

inline std::string_view view(tenon_str s) { return s.data ? std::string_view(s.data, s.len) : std::string_view(); }
inline tenon_str str(std::string_view s) { return {s.data(), s.size()}; }

/// Runs f; whatever it throws becomes an error, so nothing leaves through the C boundary.
template <class F>
tenon_error* protect(F&& f) noexcept {
  try {
    return give(f());
  } catch (const std::bad_alloc&) {
    return give(Error(TENON_E_NO_MEMORY, "out of memory"));
  } catch (const std::exception& e) {
    return give(Error(TENON_E_INTERNAL, e.what()));
  }
}

}  // namespace tenon::core
