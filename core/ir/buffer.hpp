// SPDX-License-Identifier: Apache-2.0
// buffer.hpp - refcounted bytes: heap, mapped file, plugin memory, slice of another buffer.
#pragma once
#include <atomic>
#include <string>

#include "../report/error.hpp"

struct tenon_buffer {
  std::atomic<uint64_t> refs{1};
  const uint8_t* data = nullptr;
  uint64_t size = 0;
  bool heap = false;                                    ///< made by alloc: writable while referenced once
  void(TENON_CALL* release)(void*) TENON_NX = nullptr;  ///< called with user when the last reference drops
  void* user = nullptr;
};

namespace tenon::core {

/// One counted reference.
class BufferRef {
  tenon_buffer* b_ = nullptr;

 public:
  BufferRef() = default;
  explicit BufferRef(tenon_buffer* owned) : b_(owned) {}
  BufferRef(const BufferRef& o) : b_(o.b_) {
    if (b_) b_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  BufferRef(BufferRef&& o) noexcept : b_(o.b_) { o.b_ = nullptr; }
  BufferRef& operator=(BufferRef o) noexcept {
    std::swap(b_, o.b_);
    return *this;
  }
  ~BufferRef();
  static BufferRef share(tenon_buffer* b) {
    if (b) b->refs.fetch_add(1, std::memory_order_relaxed);
    return BufferRef(b);
  }
  tenon_buffer* get() const { return b_; }
  tenon_buffer* release() {
    tenon_buffer* b = b_;
    b_ = nullptr;
    return b;
  }
  explicit operator bool() const { return b_ != nullptr; }
  const uint8_t* data() const { return b_ ? b_->data : nullptr; }
  uint8_t* writable() const { return b_ ? const_cast<uint8_t*>(b_->data) : nullptr; }
  uint64_t size() const { return b_ ? b_->size : 0; }
};

void unref(tenon_buffer* b);
/// Zeroed, 64-byte aligned; large blocks come straight from the kernel, so untouched pages cost nothing.
Result<BufferRef> alloc_buffer(uint64_t size);
BufferRef wrap_buffer(const void* data, uint64_t size, void(TENON_CALL* release)(void*) TENON_NX, void* user);
Result<BufferRef> slice_buffer(tenon_buffer* b, uint64_t offset, uint64_t size);
/// Whole file, read-only, paged in lazily. An empty file is an empty buffer. A file that cannot be opened, or is no regular file, is an E_IO error.
Result<BufferRef> map_file(const std::string& path);

}  // namespace tenon::core
