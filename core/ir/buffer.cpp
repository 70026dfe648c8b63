// SPDX-License-Identifier: Apache-2.0
#include "buffer.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace tenon::core {
namespace {

constexpr uint64_t kMapFrom = 1u << 20;  // from here on fresh pages come zeroed from mmap

struct Mapping {
  void* address;
  size_t size;
};
void TENON_CALL unmap(void* user) noexcept {
  auto* m = static_cast<Mapping*>(user);
  munmap(m->address, m->size);
  delete m;
}
void TENON_CALL release_heap(void* user) noexcept { std::free(user); }
void TENON_CALL release_slice(void* user) noexcept { unref(static_cast<tenon_buffer*>(user)); }

tl::unexpected<Error> io_error(const std::string& path, int number) {
  return fail(Error(TENON_E_IO, std::string("cannot read the file: ") + std::strerror(number)).with("file", path));
}

}  // namespace

void unref(tenon_buffer* b) {
  if (!b || b->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (b->release) b->release(b->user);
  delete b;
}

BufferRef::~BufferRef() { unref(b_); }

BufferRef wrap_buffer(const void* data, uint64_t size, void(TENON_CALL* release)(void*) TENON_NX, void* user) {
  auto* b = new tenon_buffer;
  b->data = static_cast<const uint8_t*>(data);
  b->size = size;
  b->release = release;
  b->user = user;
  return BufferRef(b);
}

Result<BufferRef> alloc_buffer(uint64_t size) {
  auto too_large = [&] { return fail(TENON_E_NO_MEMORY, "out of memory: " + std::to_string(size) + " bytes wanted"); };
  if (size > (1ull << 47)) return too_large();
  BufferRef r;
  if (size >= kMapFrom) {
    void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return too_large();
    r = wrap_buffer(p, size, unmap, new Mapping{p, size});
  } else {
    uint64_t rounded = (size + 127) / 64 * 64;  // room for a vector's overread
    void* p = std::aligned_alloc(64, rounded);
    if (!p) return too_large();
    std::memset(p, 0, rounded);
    r = wrap_buffer(p, size, release_heap, p);
  }
  r.get()->heap = true;
  return r;
}

Result<BufferRef> slice_buffer(tenon_buffer* b, uint64_t offset, uint64_t size) {
  if (offset > b->size || size > b->size - offset)
    return fail(Error(TENON_E_INVALID, "a slice lies outside its buffer")
                    .with("expected", "offset + size <= " + std::to_string(b->size))
                    .with("found", std::to_string(offset) + " + " + std::to_string(size)));
  BufferRef owner = BufferRef::share(b);
  return wrap_buffer(b->data + offset, size, release_slice, owner.release());
}

Result<BufferRef> map_file(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return io_error(path, errno);
  struct stat st {};
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    bool folder = S_ISDIR(st.st_mode);
    close(fd);
    return fail(Error(TENON_E_IO, folder ? "expected a file, found a folder" : "not a regular file").with("file", path));
  }
  auto size = static_cast<size_t>(st.st_size);
  if (size == 0) {
    close(fd);
    return wrap_buffer(nullptr, 0, nullptr, nullptr);
  }
  void* p = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  int error = errno;
  close(fd);
  if (p == MAP_FAILED) return io_error(path, error);
  return wrap_buffer(p, size, unmap, new Mapping{p, size});
}

}  // namespace tenon::core
