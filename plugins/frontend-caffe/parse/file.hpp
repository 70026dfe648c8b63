// SPDX-License-Identifier: Apache-2.0
// file.hpp - a mapped file and ranges of it.
#pragma once
#include <tenon/tenon.hpp>

namespace tenon::caffe {

/// A range of a mapped file.
struct Bytes {
  const uint8_t* p = nullptr;
  uint64_t n = 0;
  std::string_view text() const { return {reinterpret_cast<const char*>(p), static_cast<size_t>(n)}; }
};

/// A whole file. Messages read from it refer to its bytes, so it outlives them.
struct File {
  Buffer buffer;
  std::string path;
  Bytes bytes() const { return {static_cast<const uint8_t*>(buffer.data()), buffer.size()}; }
  uint64_t position(const void* p) const { return static_cast<uint64_t>(static_cast<const uint8_t*>(p) - bytes().p); }
  /// E_INVALID at byte p of the file.
  Error bad(const void* p, std::string text) const {
    return invalid(std::move(text)).with("file", path).with("position", "byte " + std::to_string(position(p)));
  }
};

/// Strings of the host are UTF-8; whether these bytes are.
bool is_utf8(std::string_view s);
/// For a message: bytes that are no printable ASCII as '?', and not too many of them.
std::string printable(std::string_view s);

/// How deep messages may nest, in text and in binary; Caffe's own need 5.
inline constexpr int kMostDepth = 32;

/// What the parsed fields and messages of one file may cost in memory, beside the blobs, which stay in the file.
class Budget {
  uint64_t left_;

 public:
  explicit Budget(uint64_t file_bytes) : left_((uint64_t{48} << 20) + 4 * file_bytes) {}
  void take(const File& f, uint64_t bytes) {
    if (bytes > left_) throw unsupported("the file has too many small fields for its size").with("file", f.path).with("hint", "it is damaged, or no Caffe model");
    left_ -= bytes;
  }
};

}  // namespace tenon::caffe
