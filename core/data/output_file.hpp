// SPDX-License-Identifier: Apache-2.0
// output_file.hpp - a file that appears whole or not at all.
#pragma once
#include <cstdint>
#include <cstdio>
#include <string>

#include "../report/error.hpp"

namespace tenon::core {

/// Written beside its final name and renamed by commit(). Without commit() nothing stays behind and an earlier file is untouched.
/// What exists and is no regular file (a pipe, a device) is written in place.
class OutputFile {
 public:
  OutputFile() = default;
  OutputFile(OutputFile&& o) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();
  static Result<OutputFile> create(const std::string& path);
  Status write(const void* data, uint64_t size);
  /// Writes out what is buffered; after it only commit() is left to fail.
  Status finish();
  Status commit();
  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }

 private:
  std::string path_, temporary_;
  std::FILE* file_ = nullptr;
  uint64_t size_ = 0;
  Error io_error(const std::string& what) const;
};

/// Can a file of this name be made? E_IO when its folder is missing or not writable, or the name is a folder's.
Status check_output_path(const std::string& path);

}  // namespace tenon::core
