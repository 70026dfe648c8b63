// SPDX-License-Identifier: Apache-2.0
#include "output_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace tenon::core {
namespace fs = std::filesystem;

OutputFile::OutputFile(OutputFile&& o) noexcept
    : path_(std::move(o.path_)), temporary_(std::exchange(o.temporary_, {})), file_(std::exchange(o.file_, nullptr)), size_(o.size_) {}

OutputFile::~OutputFile() {
  if (file_) std::fclose(file_);
  if (!temporary_.empty()) std::remove(temporary_.c_str());
}

Error OutputFile::io_error(const std::string& what) const { return Error(TENON_E_IO, what).with("file", path_).with("found", std::strerror(errno)); }

Status check_output_path(const std::string& path) {
  std::error_code ec;
  fs::path folder = fs::absolute(path, ec).parent_path();
  if (fs::is_directory(path, ec)) return fail(Error(TENON_E_IO, "the output is a folder").with("file", path));
  if (!fs::is_directory(folder, ec)) return fail(Error(TENON_E_IO, "the output's folder does not exist").with("file", path));
  if (access(folder.c_str(), W_OK) != 0) return fail(Error(TENON_E_IO, "the output's folder is not writable").with("file", path));
  return {};
}

Result<OutputFile> OutputFile::create(const std::string& path) {
  OutputFile f;
  f.path_ = path;
  std::error_code ec;
  auto status = fs::status(path, ec);
  bool in_place = fs::exists(status) && !fs::is_regular_file(status);
  if (!in_place) TENON_TRY(check_output_path(path));
  if (!in_place) f.temporary_ = path + ".tmp" + std::to_string(getpid());
  f.file_ = std::fopen((in_place ? path : f.temporary_).c_str(), in_place ? "wb" : "wbx");
  if (f.file_) return f;
  f.temporary_.clear();
  return fail(f.io_error("the file cannot be written"));
}

Status OutputFile::write(const void* data, uint64_t size) {
  if (size && std::fwrite(data, 1, size, file_) != size) return fail(io_error("the file cannot be written"));
  size_ += size;
  return {};
}

Status OutputFile::finish() {
  if (!file_) return {};
  int bad = std::fclose(std::exchange(file_, nullptr));
  return bad ? fail(io_error("the file cannot be written")) : Status();
}

Status OutputFile::commit() {
  TENON_TRY(finish());
  if (temporary_.empty()) return {};
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return fail(io_error("the file cannot be renamed to its final name"));
  temporary_.clear();
  return {};
}

}  // namespace tenon::core
