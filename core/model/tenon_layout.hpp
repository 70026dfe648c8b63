// SPDX-License-Identifier: Apache-2.0
// tenon_layout.hpp - what reader and writer of .tenon files share. The schema file describes the layout.
#pragma once
#include <tenon/abi.h>

#include <bit>
#include <cstdint>

namespace tenon::core {

static_assert(std::endian::native == std::endian::little, ".tenon files are little-endian and mapped as they are");

struct TenonHeader {
  char magic[8];
  uint32_t version = 0, flags = 0;
  uint64_t reserved = 0;
  uint64_t graph_offset = 0, graph_size = 0;
  uint64_t data_offset = 0, data_size = 0;
  uint64_t graph_hash = 0;
};
static_assert(sizeof(TenonHeader) == 64);

inline constexpr uint32_t kTenonMajor = 2, kTenonMinor = 0;
inline constexpr uint32_t kTenonMajorUnshared = 1;  ///< of files without shared graphs
inline constexpr uint64_t kTenonAlignment = 64;
inline constexpr int kTenonMaxDepth = 64;  ///< of nested graphs

inline constexpr uint64_t align_up(uint64_t n) { return (n + kTenonAlignment - 1) / kTenonAlignment * kTenonAlignment; }

/// Element types and containers that version 1 of the format has.
inline constexpr bool storable(tenon_dtype t) {
  constexpr uint32_t containers = TENON_DTF_SEQUENCE | TENON_DTF_OPTIONAL | TENON_DTF_MAP;
  const bool bits = t.code == TENON_DT_NONE ? t.bits == 0 : t.bits != 0 && (t.bits & (t.bits - 1)) == 0;
  return t.code <= TENON_DT_STRING && bits && (t.flags & ~(containers | 0xffu)) == 0;
}

}  // namespace tenon::core
