// SPDX-License-Identifier: Apache-2.0
// memory.hpp - peak resident memory of the process.
#pragma once
#include <cstdint>

namespace tenon::core {

/// Starts a new measurement where the system allows it (Linux); otherwise the peak stays that of the whole process.
void reset_peak_memory();
/// Bytes; 0 when not known.
uint64_t peak_memory();

}  // namespace tenon::core
