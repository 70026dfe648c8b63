// SPDX-License-Identifier: Apache-2.0
// npy.hpp - NumPy's array file, versions 1 to 3 (format: numpy.lib.format).
#pragma once
#include <functional>
#include <span>

#include "tensor.hpp"

namespace tenon::core {

using WriteFn = std::function<Status(const void*, uint64_t)>;

/// Element type of a file whose type is "void of so many bytes", as other libraries store element types that NumPy lacks.
/// The reader of such a tensor decides what its bits mean (see conform()).
constexpr tenon_dtype raw_type(uint8_t bits) { return {TENON_DT_NONE, bits, 1, 0}; }
inline bool is_raw(tenon_dtype t) { return t.code == TENON_DT_NONE && t.bits > 0; }

/// Reads a whole file. Contents are copied: row-major, in this machine's byte order. Text becomes UTF-8 strings.
Result<Tensor> read_npy(std::span<const uint8_t> file);

/// Bytes that write_npy makes before the elements.
Result<std::string> npy_header(const Tensor& t);
/// Elements as the file holds them: little-endian, sub-byte types widened to a byte each, strings as UTF-32.
Result<std::string> npy_strings(const Tensor& t);
/// Same tensor, same bytes. Sequences and absent optionals have no form here: E_UNSUPPORTED.
Status write_npy(const Tensor& t, const WriteFn& write);

/// The tensor as element type `want`: unchanged when it has that type; reinterpreted when it is raw (or an unsigned integer, for
/// types that NumPy lacks) of the same width; packed when `want` is narrower than a byte and every element fits. E_CONFIG otherwise.
Result<Tensor> conform(Tensor t, tenon_dtype want);

}  // namespace tenon::core
