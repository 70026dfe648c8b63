// SPDX-License-Identifier: Apache-2.0
// npz.hpp - NumPy's archive of arrays: a zip file of .npy entries, stored or deflated, also beyond 4 GB.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "npy.hpp"

namespace tenon::core {

/// An opened .npz, or a .npy as an archive with one entry named "". Entries are read when asked for. No kind of damage makes reading
/// use memory out of proportion to the file; it is E_IO.
class Npz {
 public:
  static Result<Npz> open(const std::string& path);
  static Result<Npz> from_bytes(BufferRef file, std::string path);
  bool single_array() const { return single_; }
  const std::string& path() const { return path_; }
  std::vector<std::string> names() const;
  bool has(const std::string& name) const { return entries_.count(name) != 0; }
  Result<Tensor> read(const std::string& name) const;

 private:
  struct Entry {
    uint16_t method = 0, flags = 0;
    uint32_t crc = 0;
    uint64_t packed = 0, size = 0, offset = 0;  ///< offset of the local header
  };
  BufferRef file_;
  std::string path_;
  bool single_ = false;
  std::map<std::string, Entry> entries_;

  Status read_directory();
  Status read_entry(uint64_t* at, uint64_t end);
  Result<std::vector<uint8_t>> inflate_entry(const std::string& name, const Entry& e, const uint8_t* data) const;
  Error damaged(std::string what) const;
};

using NamedTensor = std::pair<std::string, Tensor>;
/// Stored, without compression; entries in the given order; same tensors, same bytes.
Status write_npz(const std::vector<NamedTensor>& all, const WriteFn& write);

}  // namespace tenon::core
