// SPDX-License-Identifier: Apache-2.0
// npy_header.hpp - the header of NumPy's array file: magic, version, and a Python dict literal.
#pragma once
#include <span>
#include <string>
#include <tenon/dtype.hpp>
#include <vector>

#include "../report/error.hpp"

namespace tenon::core {

struct NpyHeader {
  tenon_dtype type{};
  char kind = 0;             ///< NumPy's letter: f i u b c V U S
  uint64_t item_bytes = 0;   ///< of one element in the file
  uint64_t swap_bytes = 1;   ///< unit of the byte order (half an element for complex, 4 for text)
  bool big_endian = false, fortran = false;
  std::vector<int64_t> shape;
  uint64_t data_offset = 0;
};
Result<NpyHeader> parse_npy_header(std::span<const uint8_t> file);
/// Magic, version 1.0 (or 2.0 for a long header), dict, padding to 64 bytes.
std::string make_npy_header(const std::string& descr, const std::vector<int64_t>& shape);

}  // namespace tenon::core
